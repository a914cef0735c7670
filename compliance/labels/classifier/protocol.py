"""What a text classifier is to the rest of the house, whoever made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.int16]
"""Legend for shape suffixes: N texts, C categories."""

CANNOT_TELL = -1
"""The score of a text that a classifier can say nothing about: no text at all, or not in a script that it reads."""


class ClassifierBroken(Exception):
    """A classifier's files are not the ones that its name and hash promise, or it is not there."""


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """From which score (of 1000) a text counts as the category.

    `flagged` was chosen for recall: the item is suspect, and minors wait until a person has looked. `sure` was chosen
    for precision: it is a finding. A text is compared with `sure` first.
    """

    flagged: int
    sure: int


class TextClassifier(Protocol):
    """Scores texts; never told whose they are or who would see them."""

    @property
    def name(self) -> str:
        """What it is called in labels: the same for every version."""

    @property
    def sha256(self) -> str:
        """This version, by content: files, thresholds and all."""

    @property
    def categories(self) -> tuple[str, ...]:
        """What it looks for, in the order of the scores' columns."""

    @property
    def thresholds(self) -> Mapping[str, Thresholds]:
        """For each category, from where on it counts."""

    def score(self, texts: Sequence[str]) -> Scores:
        """Scores_NC of 0 to 1000, or CANNOT_TELL. They order texts by category; they are not probabilities."""
