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


def _given_names(text: str, names: Iterable[str]) -> list[Found]:
    """Names of account holders, whatever their case and accents; their longer parts where they are capitalised."""
    folded = _folded(text)
    if len(folded) != len(text):  # a letter that folds into two: places would not agree
        folded = text
    found = []
    for name in names:
        plain = _folded(" ".join(name.split()))
        if len(plain) < 2:
            continue
        whole = re.compile(rf"(?<!\w){re.escape(plain)}(?!\w)", re.IGNORECASE)
        parts = [part for part in re.split(r"[^\w]+", plain) if len(part) >= LEAST_PART]
        found += [Found(start=hit.start(), end=hit.end(), kind="name") for hit in whole.finditer(folded)]
        for part in parts:
            alone = re.compile(rf"(?<!\w)(?:{re.escape(part.capitalize())}|{re.escape(part.upper())})(?!\w)")
            found += [Found(start=hit.start(), end=hit.end(), kind="name") for hit in alone.finditer(folded)]
    return found


def _folded(text: str) -> str:
    """The text without accents."""
    return "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))


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
