"""The labelled texts that the default classifier learns from and is measured on, in their published layouts.

Davidson et al. 2017 (MIT), Surge AI's toxicity set (MIT), HateCheck (Röttger et al. 2021, CC BY 4.0). HateCheck is
read for tests alone: nothing is ever learnt from it.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

from compliance.labels.classifier.text import normalised, words

HATE, OFFENSIVE, TOXIC = "hate", "offensive", "toxic"
LEARNT: Final = (HATE, OFFENSIVE, TOXIC)
Part = Literal["train", "validation", "test"]
PARTS: Final[tuple[tuple[Part, int], ...]] = (("train", 70), ("validation", 15), ("test", 15))
"""Shares in per cent."""
RUN: Final = 5
"""Two texts with so many words in a row in common are one text told twice."""


class TextsRefused(ValueError):
    """A folder does not hold the texts in the layout that they were published in."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """A text and what its annotators said: a category is absent where nobody was asked about it."""

    source: str
    text: str
    is_: dict[str, bool]

    @property
    def harmful(self) -> bool:
        """Whether any category applies."""
        return any(self.is_.values())


@dataclass(frozen=True, kw_only=True)
class FunctionalCase:
    """One case of HateCheck: what it tests, whether it is hateful, and who it is about."""

    text: str
    functionality: str
    hateful: bool
    target: str


def read_examples(folder: Path) -> list[Example]:
    """Davidson's tweets and Surge's comments. Raises TextsRefused."""
    tweets = [
        Example(
            source="davidson",
            text=row["tweet"],
            is_={HATE: row["class"] == "0", OFFENSIVE: row["class"] in ("0", "1")},
        )
        for row in _rows(folder / "davidson" / "labeled_data.csv", ("class", "tweet"))
    ]
    comments = [
        Example(source="surge", text=row["text"], is_={TOXIC: row["is_toxic"] == "Toxic"})
        for row in _rows(folder / "surge-toxicity" / "toxicity_en.csv", ("text", "is_toxic"))
    ]
    return tweets + comments


def read_hatecheck(folder: Path) -> list[FunctionalCase]:
    """HateCheck's functional cases. Raises TextsRefused."""
    needed = ("functionality", "test_case", "label_gold", "target_ident")
    return [
        FunctionalCase(
            text=row["test_case"],
            functionality=row["functionality"],
            hateful=row["label_gold"] == "hateful",
            target=row["target_ident"],
        )
        for row in _rows(folder / "hatecheck" / "test_suite_cases.csv", needed)
    ]


def _rows(path: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise TextsRefused(f"{path.parent.name}/{path.name} cannot be read: put the set there as published.") from error
    if not rows or any(row.get(name) is None for row in rows for name in needed):
        raise TextsRefused(f"{path.name} lacks the columns {', '.join(needed)}: take the file as it was published.")
    return rows


def parts(examples: Sequence[Example]) -> dict[Part, list[Example]]:
    """Split by the hash of the text, with all tellings of one text on one side."""
    told: dict[Part, list[Example]] = {name: [] for name, _ in PARTS}
    for example, family in zip(examples, families([each.text for each in examples]), strict=True):
        told[_part_of(family)].append(example)
    return told


def _part_of(family: str) -> Part:
    drawn, upto = int(family[:8], 16) % 100, 0
    for name, share in PARTS:
        upto += share
        if drawn < upto:
            return name
    raise AssertionError(f"the shares sum to {upto}, not to 100")


def families(texts: Sequence[str]) -> list[str]:
    """For each text the name of its family: the smallest SHA-256 among near duplicates, whatever order they come in.

    Near duplicates share RUN words in a row, or all their words; names of accounts and addresses do not count.
    """
    parent = list(range(len(texts)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    first: dict[tuple[str, ...], int] = {}
    for place, text in enumerate(texts):
        for run in _tellings(text):
            one, other = root(first.setdefault(run, place)), root(place)
            parent[max(one, other)] = min(one, other)
    digests = [sha256(normalised(text).encode()).hexdigest() for text in texts]
    smallest: dict[int, str] = defaultdict(lambda: "g")
    for place, digest in enumerate(digests):
        smallest[root(place)] = min(smallest[root(place)], digest)
    return [smallest[root(place)] for place in range(len(texts))]


def _tellings(text: str) -> Iterable[tuple[str, ...]]:
    told = [word for word in words(normalised(text)) if word not in ("someone", "address")]
    if len(told) < RUN:
        return [tuple(told)]
    return [tuple(told[start : start + RUN]) for start in range(len(told) - RUN + 1)]
