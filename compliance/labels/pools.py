"""How many items each tier may be shown on each surface, so that minors' feeds are never silently empty.

Counted by a task and kept as meters; `/metrics` and the alarm read those, so that no scrape counts a catalogue.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Count, Max, Q

from compliance.audit.models import LogMeter
from compliance.audit.witnessing import meters
from compliance.policy.facts import make_plan
from compliance.statements.selectors import restricted_items
from compliance.subjects.models import Subject, Tier
from compliance.subjects.values import SURFACES
from ranking.catalogue.selectors import eligible_items

ITEMS, FRESH, NEWEST_AGE, NEEDED, SHORT = "pool.items", "pool.fresh", "pool.newest_age_s", "pool.needed", "short_lists"
FRESH_DAYS: Final = 30
LISTS: Final = 2
"""A pool below this many full lists is an alarm: a person who hides a list's items must still get another one."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Pool:
    """What one tier may be shown on one surface under the default jurisdiction's rules.

    `needed` is how many items it takes for no alarm; `newest_age_s` is None where there is no item.
    """

    tier: str
    surface: str
    items: int
    fresh: int  # published in the last FRESH_DAYS days
    newest_age_s: int | None
    needed: int

    @property
    def too_small(self) -> bool:
        """Whether lists of this tier are short, or soon will be."""
        return self.items < self.needed

    def __str__(self) -> str:
        return (
            f"On {self.surface}, {self.tier} may be shown {self.items} items, and {self.needed} are needed: label more "
            "items for that audience, or have a person look at what the classifier suspects."
        )


def count_pools(*, service: str, now: datetime) -> list[Pool]:
    """Count every tier's pool on every surface, by the plan that somebody new in it would get at this moment.

    Law table M5 (age-appropriate content only) and 1E, standard 1: what is filtered out must not leave nothing.
    """
    return [_counted(service, tier, surface, now) for tier in Tier.values for surface in SURFACES]


def _counted(service: str, tier: str, surface: str, now: datetime) -> Pool:
    plan = make_plan(Subject(service=service, tier=tier), surface, 1, now).plan
    items = eligible_items(service=service, audiences=plan.audiences, hidden=(), confidence=plan.label_confidence)
    # Whatever holds anywhere is left out, as for a person who cannot be placed.
    items = items.exclude(id__in=restricted_items(service=service, territory="", audience=tier, now=now))
    recent = Q(published_at__gte=now - timedelta(days=FRESH_DAYS))
    found = items.aggregate(items=Count("id"), fresh=Count("id", filter=recent), newest=Max("published_at"))
    newest = found["newest"]
    return Pool(
        tier=tier,
        surface=surface,
        items=found["items"],
        fresh=found["fresh"],
        newest_age_s=None if newest is None else int((now - newest).total_seconds()),
        needed=LISTS * settings.LABEL_POOL_LIST,
    )


def watch(*, service: str, now: datetime) -> list[Pool]:
    """Count, keep the figures for `/metrics`, and log an error for each pool that is too small; return those."""
    pools = count_pools(service=service, now=now)
    seen: dict[str, int] = {}
    for pool in pools:
        seen |= {
            _meter(ITEMS, pool.tier, pool.surface): pool.items,
            _meter(FRESH, pool.tier, pool.surface): pool.fresh,
            _meter(NEEDED, pool.tier, pool.surface): pool.needed,
        }
        if pool.newest_age_s is not None:
            seen[_meter(NEWEST_AGE, pool.tier, pool.surface)] = pool.newest_age_s
    meters.put(seen)
    too_small = [pool for pool in pools if pool.too_small]
    for pool in too_small:
        logger.error("%s", pool)
    return too_small


def count_short_list(*, tier: str, surface: str) -> None:
    """Count a list that was served shorter than asked for. A count that fails is logged: the list was served."""
    try:
        with transaction.atomic():
            meters.add({_meter(SHORT, tier, surface): 1})
    except DatabaseError:
        logger.exception("A short list was not counted.")


@dataclass(frozen=True, kw_only=True)
class Gauge:
    """One figure of one tier on one surface, as counted at `at`."""

    name: str
    tier: str
    surface: str
    value: int
    at: datetime


def gauges() -> Iterator[Gauge]:
    """What was counted last, by name, tier and surface."""
    names = (ITEMS, FRESH, NEWEST_AGE, NEEDED, SHORT)
    wanted = Q()
    for name in names:
        wanted |= Q(name__startswith=f"{name}:")
    for meter in LogMeter.objects.filter(wanted).order_by("name"):
        name, tier, surface = meter.name.split(":")
        yield Gauge(name=name, tier=tier, surface=surface, value=meter.value, at=meter.at)


def _meter(name: str, tier: str, surface: str) -> str:
    return f"{name}:{tier}:{surface}"
