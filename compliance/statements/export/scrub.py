"""Takes personal data out of texts that are published (DSA Art. 24(5): the database must hold none (D24)).

It errs on the side of taking out. What it finds and misses is measured on a seeded set, class by class
(`bench/statements.py`). Names of people who are not given to it and stand without a title are beyond it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from compliance.statements.export.patterns import PATTERNS

LEAST_PART: Final = 4
"""Letters of a part of a name that is taken out by itself: shorter ones are words too often."""

PLAIN: Final = str.maketrans(
    {
        "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "ħ": "h", "Ħ": "H",
        "\u0131": "i",
        "ŧ": "t", "Ŧ": "T", "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "þ": "th", "Þ": "Th",
        "\u2018": "'", "\u2019": "'", "\u02bc": "'", "\u2010": "-", "\u2011": "-", "\u2013": "-",
    }
)  # fmt: skip
"""Letters that Unicode does not take apart, and signs that are written in several ways, as plain ones."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A place in a text, and the kind of personal data that stands there."""

    start: int
    end: int
    kind: str


def scrub(text: str, *, names: Iterable[str] = ()) -> str:
    """The text with each piece of personal data replaced by a mark. `names` are those of account holders concerned."""
    done, end = [], 0
    for found in find(text, names=names):
        done += [text[end : found.start], mark(found.kind)]
        end = found.end
    return "".join(done) + text[end:]


def mark(kind: str) -> str:
    """What stands in a published text where something was taken out."""
    return f"[{kind} removed]"


def find(text: str, *, names: Iterable[str] = ()) -> list[Found]:
    """Where personal data stands in a text, without overlaps, in order."""
    every = [
        Found(start=hit.start(), end=hit.end(), kind=pattern.kind)
        for pattern in PATTERNS
        for hit in pattern.looks.finditer(text)
        if pattern.judge(hit.group())
    ]
    every += _given_names(text, names)
    return _apart(every)


@dataclass(frozen=True, kw_only=True)
class _Folded:
    """A text in plain letters, and where in the text each of them stands."""

    text: str
    places: tuple[int, ...]
    """For each plain letter its character's index in the text."""

    def back(self, hit: re.Match[str]) -> Found:
        """What was found in plain letters as a place in the text: whole characters, with the marks that follow."""
        end = self.places[hit.end()] if hit.end() < len(self.places) else self.places[-1] + 1
        return Found(start=self.places[hit.start()], end=max(end, self.places[hit.end() - 1] + 1), kind="name")


def _given_names(text: str, names: Iterable[str]) -> list[Found]:
    """Names of account holders, whatever their case and accents; their longer parts where they are capitalised."""
    folded = _folded(text)
    found = []
    for name in names:
        plain = _folded(" ".join(name.split())).text
        if len(plain) < 2:
            continue
        spaced = r"\s+".join(re.escape(part) for part in plain.split())
        whole = re.compile(rf"(?<!\w){spaced}(?!\w)", re.IGNORECASE)
        parts = [part for part in re.split(r"[^\w]+", plain) if len(part) >= LEAST_PART]
        found += [folded.back(hit) for hit in whole.finditer(folded.text)]
        for part in parts:
            alone = re.compile(rf"(?<!\w)(?:{re.escape(part.capitalize())}|{re.escape(part.upper())})(?!\w)")
            found += [folded.back(hit) for hit in alone.finditer(folded.text)]
    return found


def _folded(text: str) -> _Folded:
    """The text in plain letters: each character without accents and strokes, however many letters that makes."""
    letters, places = [], []
    for place, one in enumerate(text):
        # What is no letter and no digit stays as it is: “™” would run a name into the letters it folds into.
        plain = unicodedata.normalize("NFKD", one) if one.isalnum() else one
        for letter in plain.translate(PLAIN):
            if not unicodedata.combining(letter) and unicodedata.category(letter) != "Cf":
                letters.append(letter)
                places.append(place)
    return _Folded(text="".join(letters), places=tuple(places))


def _apart(every: list[Found]) -> list[Found]:
    """Overlapping finds joined under the kind of the longest of them."""
    joined: list[Found] = []
    for one in sorted(every, key=lambda found: (found.start, -found.end)):
        if joined and one.start < joined[-1].end:
            last = joined[-1]
            longer = last if last.end - last.start >= one.end - one.start else one
            joined[-1] = Found(start=last.start, end=max(last.end, one.end), kind=longer.kind)
        else:
            joined.append(one)
    return joined
