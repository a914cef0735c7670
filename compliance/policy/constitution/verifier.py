"""The independent verifier: counts, in plain Python, whether a finished slate keeps every principle.

It shares words and lists (`bounds`, the keys in `special`) with the rows that repair solves, and no reasoning: what one
of them counts wrong, the other one finds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from compliance.policy.constitution.bounds import MILLE, Bounds, Offer, Slate
from compliance.policy.constitution.special import refused
from ranking.catalogue.selectors import CONFIDENCES


@dataclass(frozen=True, kw_only=True)
class Violation:
    """A principle that a slate breaks, and the items that break it (none where something is missing)."""

    principle: str
    items: tuple[int, ...]
    words: str


Key = TypeVar("Key", int, str)
Fault = tuple[list[int], str] | None
"""Places at fault and what is wrong, or None."""


def violations(bounds: Bounds, slate: Slate, offer: Offer) -> tuple[Violation, ...]:
    """Every principle that the slate breaks; empty: it is lawful.

    `offer` says what the candidates had (`offer_of`): no slate owes more than that.
    """
    found = []
    for principle, (wrong, words) in ALONE.items():
        if places := wrong(bounds, slate):
            found.append(Violation(principle=principle, items=_ids(slate, places), words=f"An item {words}."))
    for principle, check in TOGETHER.items():
        fault = check(bounds, slate, offer)
        if fault is not None:
            found.append(Violation(principle=principle, items=_ids(slate, fault[0]), words=fault[1]))
    return tuple(found)


def broken_alone(bounds: Bounds, items: Slate) -> dict[int, tuple[str, ...]]:
    """The places of items that break a principle wherever they stand, with the principles."""
    broken: dict[int, tuple[str, ...]] = {}
    for principle, (wrong, _) in ALONE.items():
        for place in wrong(bounds, items):
            broken[place] = (*broken.get(place, ()), principle)
    return broken


def offer_of(bounds: Bounds, candidates: Slate) -> Offer:
    """What those candidates can offer that some list may hold."""
    broken = broken_alone(bounds, candidates)
    lawful = [
        item
        for place, item in enumerate(candidates)
        if place not in broken
        and not (item.promoted and round(bounds.max_promoted_share * MILLE) * bounds.slate_size < MILLE)
        and not (item.essential and not bounds.essential_places)
    ]
    return Offer(
        topics=len({topic for item in lawful for topic in item.topics}),
        new_creator_items=len({item.item_id for item in lawful if item.new_creator}),
    )


def _ids(slate: Slate, places: Sequence[int]) -> tuple[int, ...]:
    return tuple(slate[place].item_id for place in places)


def _audience(bounds: Bounds, slate: Slate) -> list[int]:
    return [place for place, item in enumerate(slate) if item.suitable_from not in bounds.audiences]


def _minor_safety(bounds: Bounds, slate: Slate) -> list[int]:
    if not bounds.minor:
        return []
    least = CONFIDENCES.index(bounds.min_label_confidence)
    return [
        place
        for place, item in enumerate(slate)
        if item.unsafe or not item.suitable_from or CONFIDENCES.index(item.label_confidence) < least
    ]


def _hidden(bounds: Bounds, slate: Slate) -> list[int]:
    return [place for place, item in enumerate(slate) if item.item_id in bounds.hidden_items]


def _muted(bounds: Bounds, slate: Slate) -> list[int]:
    creators, topics = bounds.muted_creators, bounds.muted_topics
    return [
        place
        for place, item in enumerate(slate)
        if item.muted_words or item.creator_id in creators or (topics and not topics.isdisjoint(item.topics))
    ]


def _promotion_label(bounds: Bounds, slate: Slate) -> list[int]:
    return [place for place, item in enumerate(slate) if item.promoted and not item.promotion]


def _special_categories(bounds: Bounds, slate: Slate) -> list[int]:
    return [place for place, item in enumerate(slate) if item.targeting and refused(item.targeting, bounds.proxies)]


def _minor_targeting(bounds: Bounds, slate: Slate) -> list[int]:
    if not bounds.minor:
        return []
    return [place for place, item in enumerate(slate) if item.promoted and item.targeting]


ALONE: Final[dict[str, tuple[Callable[[Bounds, Slate], list[int]], str]]] = {
    "principle.audience": (_audience, "carries no label for this audience"),
    "principle.minor-safety": (_minor_safety, "is unsafe, or not labelled surely enough, for a minor"),
    "principle.hidden": (_hidden, "was hidden by the person"),
    "principle.muted": (_muted, "is of a creator or a topic, or has a word, that the person muted"),
    "principle.promotion-label": (_promotion_label, "is promoted and does not say so"),
    "principle.special-categories": (_special_categories, "was aimed by something that adverts may not be aimed by"),
    "principle.minor-targeting": (_minor_targeting, "is promoted and was aimed at a minor"),
}
"""Principles that an item keeps or breaks by itself: the places that break them, and how."""


def _size(bounds: Bounds, slate: Slate, offer: Offer) -> Fault:
    if len(slate) <= bounds.slate_size:
        return None
    return list(range(bounds.slate_size, len(slate))), f"The list has more than {bounds.slate_size} places."


def _once(bounds: Bounds, slate: Slate, offer: Offer) -> Fault:
    ids = [item.item_id for item in slate]
    if len({*ids}) == len(ids):
        return None
    return [place for place, one in enumerate(ids) if one in ids[:place]], "An item stands twice."


def _creator_share(bounds: Bounds, slate: Slate, offer: Offer) -> Fault:
    times = Counter([item.creator_id for item in slate if item.creator_id])
    over = _too_often(times, bounds.max_creator_share, bounds.slate_size)
    if not over:
        return None
    places = [place for place, item in enumerate(slate) if item.creator_id in over]
    return places, f"{len(over)} creators have more places than their share."


def _topic_share(bounds: Bounds, slate: Slate, offer: Offer) -> Fault:
    times = Counter([topic for item in slate for topic in {*item.topics}])
    over = _too_often(times, bounds.max_topic_share, bounds.slate_size)
    if not over:
        return None
    places = [place for place, item in enumerate(slate) if not over.isdisjoint(item.topics)]
    return places, f"Too many places are about {', '.join(sorted(over))}."


def _too_often(times: Counter[Key], share: float, places: int) -> set[Key]:
    """Keys that take more than their share of a full list; one place is always theirs."""
    thousandths = round(share * MILLE) * places
    most = max(times.values(), default=0)
    if most <= 1 or most * MILLE <= thousandths:
        return set()
    return {key for key, count in times.items() if count > 1 and count * MILLE > thousandths}


def _topics(bounds: Bounds, slate: Slate, offer: Offer) -> Fault:
    owed = min(bounds.min_topics, offer.topics, len(slate))
    if not owed:
        return None
    shown = len({topic for item in slate for topic in item.topics})
    return ([], f"The list is about {shown} topics and owes {owed}.") if shown < owed else None


def _promoted_share(bounds: Bounds, slate: Slate, offer: Offer) -> Fault:
    promoted = [place for place, item in enumerate(slate) if item.promoted]
    if not promoted or len(promoted) * MILLE <= round(bounds.max_promoted_share * MILLE) * len(slate):
        return None
    return promoted, f"{len(promoted)} of {len(slate)} items are promoted."


def _new_creators(bounds: Bounds, slate: Slate, offer: Offer) -> Fault:
    if not bounds.new_creator_share:
        return None
    whole, _ = divmod(round(bounds.new_creator_share * MILLE) * bounds.slate_size, MILLE)
    owed = min(whole, offer.new_creator_items, len(slate))
    shown = [item.new_creator for item in slate].count(True)
    return ([], f"New creators have {shown} places and are owed {owed}.") if shown < owed else None


def _essential(bounds: Bounds, slate: Slate, offer: Offer) -> Fault:
    places = [place for place, item in enumerate(slate) if item.essential]
    if len(places) <= bounds.essential_places:
        return None
    return places, f"{len(places)} items are what everyone needs, and {bounds.essential_places} may be."


TOGETHER: Final[dict[str, Callable[[Bounds, Slate, Offer], Fault]]] = {
    "principle.size": _size,
    "principle.once": _once,
    "principle.creator-share": _creator_share,
    "principle.topic-share": _topic_share,
    "principle.topics": _topics,
    "principle.promoted-share": _promoted_share,
    "principle.new-creators": _new_creators,
    "principle.essential": _essential,
}
"""Principles that only a whole list keeps or breaks."""
