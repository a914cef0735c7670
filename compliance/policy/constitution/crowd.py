"""Knowing when to follow the crowd: what everyone needs is mixed in at fixed places, few and labelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

PLACES_APART: Final = 5
"""The first notice stands first, and each other one so many places after the one before."""


class Identified(Protocol):
    """Something that has an item's id."""

    @property
    def item_id(self) -> int:
        """The item."""


Item = TypeVar("Item", bound=Identified)


@dataclass(frozen=True, kw_only=True)
class Mixed(Generic[Item]):
    """Candidates in the ranker's order with the notices among them. A notice has no score: nobody ranked it."""

    ordered: tuple[Item, ...]
    scores: tuple[float | None, ...] | None
    pinned: tuple[int, ...]


def mixed(
    ordered: Sequence[Item], scores: Sequence[float | None] | None, notices: Sequence[Item], *, most: int, size: int
) -> Mixed[Item]:
    """Mix at most so many notices into a list of `size`, the first ones first; each item once."""
    places = range(0, size, PLACES_APART)
    few = list(notices)[: min(most, len(places))]
    named = {notice.item_id for notice in few}
    left = [place for place, item in enumerate(ordered) if item.item_id not in named]
    items = [ordered[place] for place in left]
    worth = None if scores is None else [scores[place] for place in left]
    pinned = []
    for place, notice in zip(places, few, strict=False):
        at = min(place, len(items))
        items.insert(at, notice)
        pinned.append(at)
        if worth is not None:
            worth.insert(at, None)
    return Mixed(ordered=tuple(items), scores=None if worth is None else tuple(worth), pinned=tuple(pinned))
