"""The candidate sources. Each takes the items a plan allows and returns item ids, best first, ties by id."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Case, Exists, Max, Min, OuterRef, QuerySet, TextField, Value, When
from django.db.models.functions import MD5, Cast, Concat

from ranking.catalogue.models import Essential, Follow, Item, Popularity

DRAWS: Final = 8
"""How many ids are drawn for each item wanted, before every item is looked at instead."""
REGION_NEEDS: Final = 100
"""A region's own popularity is used once this many items have any there; before that, everywhere's."""

NEW_FOR: Final = timedelta(days=90)
"""A creator is new for so long after their first item."""


def popularity_region(region: str) -> str:
    """The region whose popularity orders a list for somebody in `region` ("" = everywhere)."""
    if region and Popularity.objects.filter(region=region)[: REGION_NEEDS + 1].count() > REGION_NEEDS:
        return region
    return ""


def newest(allowed: QuerySet[Item], *, limit: int) -> list[int]:
    """Latest first."""
    return _ids(allowed.order_by("-published_at", "id"), limit)


def trending(allowed: QuerySet[Item], *, region: str, limit: int) -> list[int]:
    """Most popular first; items nobody chose yet come last."""
    counted = Popularity.objects.filter(region=region, item__in=allowed.values("id")).order_by("-score", "item_id")
    found = list(counted.values_list("item_id", flat=True)[:limit])
    if len(found) < limit:
        unchosen = allowed.exclude(id__in=found).exclude(popularity__region=region).order_by("id")
        found += _ids(unchosen, limit - len(found))
    return found


def following(allowed: QuerySet[Item], *, limit: int, subject_id: UUID) -> list[int]:
    """Latest items of the creators a person declared to follow."""
    creators = Follow.objects.filter(subject_id=subject_id, creator__isnull=False).values("creator_id")
    return newest(allowed.filter(creator_id__in=creators), limit=limit)


def topics(allowed: QuerySet[Item], *, limit: int, subject_id: UUID) -> list[int]:
    """Items of the topics a person declared to follow, most popular everywhere first."""
    chosen = list(Follow.objects.filter(subject_id=subject_id).exclude(topic="").values_list("topic", flat=True))
    return trending(allowed.filter(topics__overlap=chosen), region="", limit=limit) if chosen else []


def close_creators(subject_id: UUID) -> frozenset[int]:
    """The creators whom a person declared close."""
    close = Follow.objects.filter(subject_id=subject_id, close=True, creator__isnull=False)
    return frozenset(close.values_list("creator_id", flat=True))


def new_creators(items: Iterable[int], *, now: datetime) -> frozenset[int]:
    """Of the creators of these items, those whose first item is younger than `NEW_FOR`.

    Only the creators at hand are asked about: each is one look-up of whether anything of theirs is older.
    """
    earlier = Item.objects.filter(creator_id=OuterRef("creator_id"), published_at__lte=now - NEW_FOR)
    young = Item.objects.filter(id__in=list(items), creator__isnull=False).exclude(Exists(earlier))
    return frozenset(young.values_list("creator_id", flat=True))


def explore(allowed: QuerySet[Item], *, limit: int, seed: int, without: Iterable[int]) -> list[int]:
    """Items at random, each as likely as any other, and the same ones for the same seed and catalogue.

    Ids are drawn first and then asked for; only where too few of them are allowed is every item hashed and sorted.
    """
    left = allowed.exclude(id__in=list(without))
    ends = Item.objects.aggregate(low=Min("id"), high=Max("id"))
    if ends["low"] is None:
        return []
    lots = random.Random(seed)  # noqa: S311 - a lottery that must be repeatable, not secret
    drawn = list(dict.fromkeys(lots.randint(ends["low"], ends["high"]) for _ in range(DRAWS * limit)))
    hits = set(left.filter(id__in=drawn).values_list("id", flat=True))
    if len(hits) >= limit:
        return [item_id for item_id in drawn if item_id in hits][:limit]
    salt = hashlib.sha256(f"explore {seed}".encode()).hexdigest()
    return _ids(left.annotate(lot=MD5(Concat(Value(salt), Cast("id", TextField())))).order_by("lot", "id"), limit)


def essential(allowed: QuerySet[Item], *, region: str, now: datetime, limit: int) -> list[int]:
    """What everyone in a region needs now: safety before breaking news, the latest declared first, ties by id."""
    declared = Essential.objects.filter(starts_at__lte=now, ends_at__gt=now, region__in={"", region})
    urgent = Case(When(kind=Essential.Kind.SAFETY, then=0), default=1)
    rows = declared.filter(item__in=allowed).annotate(urgent=urgent).order_by("urgent", "-starts_at", "item_id")
    return list(dict.fromkeys(rows.values_list("item_id", flat=True)))[:limit]


def in_force(item_ids: Collection[int], *, region: str, now: datetime) -> set[int]:
    """Which of these items carry a notice that holds in a region now; nothing is asked where none is given."""
    if not item_ids:
        return set()
    declared = Essential.objects.filter(starts_at__lte=now, ends_at__gt=now, region__in={"", region})
    return set(declared.filter(item__in=item_ids).values_list("item_id", flat=True))


def sharing_topics(allowed: QuerySet[Item], anchor: Item) -> QuerySet[Item]:
    """Items that share a topic with `anchor`, without it: what `related` lists choose from when nothing is scored."""
    return allowed.filter(topics__overlap=anchor.topics).exclude(id=anchor.id)


def _ids(items: QuerySet[Item], limit: int) -> list[int]:
    return list(items.values_list("id", flat=True)[:limit])
