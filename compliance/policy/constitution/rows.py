"""The principles as linear rows over 0/1 places: what the exact repair solves. The verifier shares none of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from compliance.policy.constitution.bounds import MILLE, Bounds, Placeable
from compliance.policy.constitution.special import TARGETING
from ranking.catalogue.selectors import CONFIDENCES

Items = Sequence[Placeable]


@dataclass(frozen=True, kw_only=True)
class Row:
    """`at_least` <= how many of `places` are chosen <= `at_most`."""

    principle: str
    places: tuple[int, ...]
    at_least: int = 0
    at_most: int


@dataclass(frozen=True, kw_only=True)
class Cover:
    """At least so many of the groups have a chosen place."""

    principle: str
    groups: tuple[tuple[int, ...], ...]
    at_least: int


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Choose exactly `size` of `count` places so that every row and cover holds."""

    count: int
    size: int
    rows: tuple[Row, ...]
    covers: tuple[Cover, ...]


def problem(bounds: Bounds, items: Items, size: int, *, without: str = "") -> Problem:
    """Everything that a list of `size` of these items has to satisfy.

    `without` leaves one principle out, and what is owed stays what it is with all of them.
    """
    barred = [row for name, bar in BARS.items() for row in _barred(name, bounds, items, bar)]
    rows = [row for row in barred if row.principle != without]
    for name, rows_of in CAPS.items():
        if name != without:
            rows += rows_of(bounds, items, size)
    may, offered = _open(items, rows), _offered(bounds, items, barred)
    if without != NEW_CREATORS:
        rows += _new_creators(bounds, items, size, may, offered)
    covers = _topics(bounds, items, size, may, offered) if without != TOPICS else []
    return Problem(count=len(items), size=size, rows=tuple(rows), covers=tuple(covers))


def _open(items: Items, rows: Sequence[Row]) -> list[int]:
    shut = {place for row in rows if row.principle in BARS for place in row.places}
    return [place for place in range(len(items)) if place not in shut]


def _offered(bounds: Bounds, items: Items, barred: Sequence[Row]) -> list[Placeable]:
    """Items that some list may hold: what is owed is owed as far as they go."""
    adverts, notices = places_of(bounds.max_promoted_share, bounds.slate_size), bounds.essential_places
    return [
        items[place]
        for place in _open(items, barred)
        if (adverts > 0 or not items[place].promoted) and (notices > 0 or not items[place].essential)
    ]


def places_of(share: float, places: int) -> int:
    """Whole places that a share of so many comes to, rounded down."""
    return round(share * MILLE) * places // MILLE


def _barred(name: str, bounds: Bounds, items: Items, bar: Callable[[Bounds, Placeable], bool]) -> list[Row]:
    places = tuple(place for place, item in enumerate(items) if bar(bounds, item))
    return [Row(principle=name, places=places, at_most=0)] if places else []


def _unsure(bounds: Bounds, item: Placeable) -> bool:
    sure_enough = CONFIDENCES[CONFIDENCES.index(bounds.min_label_confidence) :]
    return bounds.minor and (
        len(item.unsafe) > 0 or item.suitable_from == "" or item.label_confidence not in sure_enough
    )


def _unwanted(bounds: Bounds, item: Placeable) -> bool:
    of_topics = any(topic in bounds.muted_topics for topic in item.topics)
    return of_topics or item.creator_id in bounds.muted_creators or len(item.muted_words) > 0


def _special(bounds: Bounds, item: Placeable) -> bool:
    return not all(_plain(predicate, TARGETING - bounds.proxies) for predicate in item.targeting)


def _plain(predicate: str, keys: frozenset[str]) -> bool:
    """Whether a predicate is `key=value` with one of these keys and a value of 1 to 64 plain characters."""
    key, _, value = predicate.partition("=")
    letters = value.translate({ord(mark): "x" for mark in "_.+-"})
    return key in keys and value.isascii() and letters.isalnum() and value[0].isalnum() and len(value) <= 64


BARS: Final[dict[str, Callable[[Bounds, Placeable], bool]]] = {
    "principle.audience": lambda bounds, item: not any(item.suitable_from == one for one in bounds.audiences),
    "principle.minor-safety": _unsure,
    "principle.hidden": lambda bounds, item: item.item_id in bounds.hidden_items,
    "principle.muted": _unwanted,
    "principle.promotion-label": lambda bounds, item: item.promoted and item.promotion == "",
    "principle.special-categories": _special,
    "principle.minor-targeting": lambda bounds, item: bounds.minor and item.promoted and item.targeting != (),
}
"""Items that a principle keeps out wherever they would stand: x = 0."""


def _groups(pairs: Iterable[tuple[object, int]]) -> list[tuple[int, ...]]:
    found: dict[object, list[int]] = defaultdict(list)
    for key, place in pairs:
        found[key].append(place)
    return [tuple(places) for places in found.values()]


def _capped(name: str, groups: Iterable[tuple[int, ...]], most: int) -> list[Row]:
    return [Row(principle=name, places=places, at_most=most) for places in groups if len(places) > most]


def _once(bounds: Bounds, items: Items, size: int) -> list[Row]:
    return _capped("principle.once", _groups((item.item_id, place) for place, item in enumerate(items)), 1)


def _creator_share(bounds: Bounds, items: Items, size: int) -> list[Row]:
    groups = _groups((item.creator_id, place) for place, item in enumerate(items) if item.creator_id)
    return _capped("principle.creator-share", groups, max(1, places_of(bounds.max_creator_share, bounds.slate_size)))


def _topic_share(bounds: Bounds, items: Items, size: int) -> list[Row]:
    groups = _groups((topic, place) for place, item in enumerate(items) for topic in dict.fromkeys(item.topics))
    return _capped("principle.topic-share", groups, max(1, places_of(bounds.max_topic_share, bounds.slate_size)))


def _promoted_share(bounds: Bounds, items: Items, size: int) -> list[Row]:
    promoted = tuple(place for place, item in enumerate(items) if item.promoted)
    return _capped("principle.promoted-share", [promoted], places_of(bounds.max_promoted_share, size))


def _essential(bounds: Bounds, items: Items, size: int) -> list[Row]:
    essential = tuple(place for place, item in enumerate(items) if item.essential)
    return _capped("principle.essential", [essential], bounds.essential_places)


CAPS: Final[dict[str, Callable[[Bounds, Items, int], list[Row]]]] = {
    "principle.once": _once,
    "principle.creator-share": _creator_share,
    "principle.topic-share": _topic_share,
    "principle.promoted-share": _promoted_share,
    "principle.essential": _essential,
}
"""Groups of which at most so many may stand in the list."""

NEW_CREATORS: Final = "principle.new-creators"
TOPICS: Final = "principle.topics"
SIZE: Final = "principle.size"
"""Held by the problem itself: it chooses exactly `size` places, and no more than the plan asks for."""


def _new_creators(
    bounds: Bounds, items: Items, size: int, may: Sequence[int], offered: Sequence[Placeable]
) -> list[Row]:
    places = tuple(place for place in may if items[place].new_creator)
    new = {item.item_id for item in offered if item.new_creator}
    owed = min(places_of(bounds.new_creator_share, bounds.slate_size), len(new), size)
    return [Row(principle=NEW_CREATORS, places=places, at_least=owed, at_most=len(places))] if owed else []


def _topics(bounds: Bounds, items: Items, size: int, may: Sequence[int], offered: Sequence[Placeable]) -> list[Cover]:
    groups = _groups((topic, place) for place in may for topic in dict.fromkeys(items[place].topics))
    owed = min(bounds.min_topics, len({topic for item in offered for topic in item.topics}), size)
    return [Cover(principle=TOPICS, groups=tuple(groups), at_least=owed)] if owed else []
