"""Principles: what every slate must satisfy, checked after ranking and independently of it; broken slates are repaired.

A principle sees a slate as positions into the candidates. Repair removes the offending place and takes the next
candidate, in served order, that breaks nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from compliance.policy.first.types import Plan
from ranking.serving.types import Candidate

Slate = list[Candidate]


@dataclass(frozen=True, kw_only=True)
class Principle:
    """`fits(slate, item)` says whether `item` may join the items already in the slate."""

    id: str
    law: str
    fits: Callable[[Plan, Slate, Candidate], bool]


@dataclass(frozen=True, kw_only=True)
class Repair:
    """One item that ranking wanted in the slate and a principle kept out."""

    item_id: int
    principle: str


def _audience(plan: Plan, slate: Slate, item: Candidate) -> bool:
    return item.suitable_from in plan.audiences


def _hidden(plan: Plan, slate: Slate, item: Candidate) -> bool:
    return item.item_id not in plan.hidden_items


def _once(plan: Plan, slate: Slate, item: Candidate) -> bool:
    return all(other.item_id != item.item_id for other in slate)


def _topic_share(plan: Plan, slate: Slate, item: Candidate) -> bool:
    if plan.max_topic_share >= 1 or not item.topics:
        return True
    most = max(1, math.floor(plan.max_topic_share * plan.slate_size))
    return all(sum(topic in other.topics for other in slate) < most for topic in item.topics)


PRINCIPLES: Final = (
    Principle(id="principle.audience", law="DSA Art. 28(1)", fits=_audience),
    Principle(id="principle.hidden", law="DSA Art. 27(3); the person's own control", fits=_hidden),
    Principle(id="principle.once", law="our own rule: no item twice", fits=_once),
    Principle(id="principle.topic-share", law="DSA Art. 34(1): no list of one topic only", fits=_topic_share),
)


def check(plan: Plan, ordered: Slate, size: int) -> tuple[Slate, tuple[Repair, ...]]:
    """Fill a slate of `size` from candidates in served order, keeping every principle.

    Returns the slate and what was kept out of it, in order. The slate is shorter only when candidates run out.
    """
    slate: Slate = []
    repairs: list[Repair] = []
    for item in ordered:
        if len(slate) == size:
            break
        broken = first_broken(plan, slate, item)
        if broken is None:
            slate.append(item)
        else:
            repairs.append(Repair(item_id=item.item_id, principle=broken))
    return slate, tuple(repairs)


def first_broken(plan: Plan, slate: Slate, item: Candidate) -> str | None:
    """The first principle that `item` would break if it joined `slate`."""
    return next((one.id for one in PRINCIPLES if not one.fits(plan, slate, item)), None)
