"""A text classifier of somebody else's: it thinks that capital letters are toxic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from compliance.labels.classifier.protocol import Scores, Thresholds


class Shouting:
    """See the module."""

    name = "shouting"
    sha256 = "5" * 64
    categories = ("toxic",)
    thresholds = {"toxic": Thresholds(flagged=500, sure=900)}

    def score(self, texts: Sequence[str]) -> Scores:
        """1000 where nothing is small."""
        return np.array([[1000 * text.isupper()] for text in texts], dtype=np.int16)
