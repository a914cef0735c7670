"""Conditions as boxes over the finite facts and the eras between rules' dates, so that sets of states are exact.

A box holds, for each fact, the values that it admits as a bit mask; the last dimension is the era. Boxes are cut from
each other without looking at single states.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

from compliance.policy.pack import holds_on
from compliance.policy.vocabulary import FACTS

Box = tuple[int, ...]
ALL: Final = {fact: (1 << len(values)) - 1 for fact, values in FACTS.items()}


def box_of(when: dict[str, tuple[str, ...]], starts: date | None, ends: date | None, days: tuple[date, ...]) -> Box:
    """The states in which a condition holds from one day until another. `days`: on which eras begin, ascending."""
    eras = sum(1 << era for era, first in enumerate((date.min, *days)) if holds_on(first, starts, ends))
    return (*(_values(fact, when[fact]) if fact in when else full for fact, full in ALL.items()), eras)


def is_empty(box: Box) -> bool:
    """Whether no state lies in a box."""
    return not all(box)


def common(one: Box, other: Box) -> Box:
    """The states of both boxes."""
    return tuple(a & b for a, b in zip(one, other, strict=True))


def covered(box: Box, by: Iterable[Box]) -> bool:
    """Whether every state of a box lies in one of others."""
    left = [box]
    for other in by:
        left = [piece for each in left for piece in _without(each, other)]
        if not left:
            return True
    return not left


def _without(box: Box, other: Box) -> list[Box]:
    """What is left of a box: disjoint boxes, at most one for each dimension."""
    if is_empty(common(box, other)):
        return [box]
    pieces, rest = [], list(box)
    for dimension, (mine, theirs) in enumerate(zip(box, other, strict=True)):
        if mine & ~theirs:
            pieces.append((*rest[:dimension], mine & ~theirs, *rest[dimension + 1 :]))
        rest[dimension] = mine & theirs
    return pieces


def _values(fact: str, admitted: tuple[str, ...]) -> int:
    return sum(1 << place for place, value in enumerate(FACTS[fact]) if value in admitted)
