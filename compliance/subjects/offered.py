"""Which wishes a catalogue can follow: what no item could ever answer is not offered as a switch (DSA Art. 25)."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from typing import Final

from django.db.models import Count, F, Func, Q, QuerySet
from django.db.models.functions import Lower
from django.utils import timezone

from compliance.subjects.values import OBJECTIVES
from ranking.catalogue.models import Creator, Item
from ranking.retrieval.rows import DURATIONS
from ranking.retrieval.sources import NEW_FOR
from ranking.serving.adjusting import POLITICS

TOPICS_SHOWN: Final = 60
KEPT: Final = timedelta(minutes=10)


def topics_of(service: str) -> tuple[str, ...]:
    """The topics that most items have, in alphabetical order; looked up every ten minutes."""
    return _topics(service, _now())


def objectives_of(service: str) -> tuple[str, ...]:
    """The own objectives that some item answers; looked up every ten minutes."""
    return _objectives(service, _now())


def _now() -> int:
    return int(time.time() / KEPT.total_seconds())


@lru_cache(maxsize=16)
def _topics(service: str, _: int) -> tuple[str, ...]:
    topics = Item.objects.filter(service=service, is_active=True).annotate(topic=Func(F("topics"), function="unnest"))
    counted = topics.values("topic").annotate(items=Count("id")).order_by("-items", "topic")
    return tuple(sorted(row["topic"] for row in counted[:TOPICS_SHOWN]))


@lru_cache(maxsize=16)
def _objectives(service: str, _: int) -> tuple[str, ...]:
    items = Item.objects.filter(service=service, is_active=True)
    return tuple(objective for objective in OBJECTIVES if _ANSWERED[objective](items, service))


def _political(items: QuerySet[Item], service: str) -> bool:
    topics = items.annotate(topic=Lower(Func(F("topics"), function="unnest"))).values_list("topic", flat=True)
    return bool(POLITICS & set(topics.distinct()))


def _lasting(items: QuerySet[Item], service: str) -> bool:
    said = Q()
    for name in DURATIONS:
        said |= Q(facts__dense__has_key=name)
    return items.filter(said).exists()


def _young(items: QuerySet[Item], service: str) -> bool:
    since = timezone.now() - NEW_FOR
    old = items.filter(creator__isnull=False, published_at__lte=since).values("creator")
    return items.filter(creator__isnull=False, published_at__gt=since).exclude(creator__in=old).exists()


_ANSWERED: Final[dict[str, Callable[[QuerySet[Item], str], bool]]] = {
    "less_politics": _political,
    "close_friends": lambda items, service: Creator.objects.filter(service=service).exists(),
    "shorter": _lasting,
    "new_creators": _young,
}


def forget() -> None:
    """Look everything up again."""
    _topics.cache_clear()
    _objectives.cache_clear()
