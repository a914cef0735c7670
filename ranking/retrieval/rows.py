"""From item ids, whatever source found them, to candidates with the facts a ranker may read: one query for all."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from typing import Final

from django.db.models import CharField, F, FilteredRelation, Q, QuerySet
from django.db.models.functions import Cast

from ranking.catalogue.clock import to_ms
from ranking.catalogue.models import Item
from ranking.catalogue.selectors import item_facts
from ranking.data.facts import ItemFacts
from ranking.serving.types import Candidate, Penalties


def with_popularity(items: QuerySet[Item], region: str) -> QuerySet[Item]:
    """Attach each item's popularity in `region` ("" = everywhere) as `popular`."""
    return items.annotate(
        here=FilteredRelation("popularity", condition=Q(popularity__region=region)), popular=F("here__score")
    )


NONE_AT_ALL: Final[Mapping[int, Penalties]] = {}
FREE: Final = Penalties()
DURATIONS: Final = {"seconds": 1.0, "duration_ms": 0.001, "video_duration": 0.001}
"""Facts that say how long an item takes, and what makes seconds of each. The first that an item has counts."""


def seconds_of(facts: ItemFacts) -> int:
    """How long an item takes, in whole seconds, rounded up; 0 where the catalogue does not say."""
    said = next((facts.dense[name] * unit for name, unit in DURATIONS.items() if name in facts.dense), 0.0)
    return max(0, math.ceil(said))


def hydrate(
    found: dict[int, str],
    *,
    region: str,
    close: Collection[int] = (),
    new: Collection[int] = (),
    penalties: Mapping[int, Penalties] = NONE_AT_ALL,
    keywords: Collection[str] = (),
) -> list[tuple[Candidate, ItemFacts]]:
    """Candidates for {item id: source}, in that order, each with its facts.

    `close` and `new` are creators: whom the person declared close, and who published nothing before lately. Both are
    empty where nothing in the allowance asks for them: then they are not read. `penalties` are by item. `keywords`
    are the person's muted words: what a title has of them is noted, though no source should have found it.
    """
    items = with_popularity(Item.objects.filter(id__in=found), region).annotate(text=Cast("facts", CharField()))
    columns = (
        "id",
        "external_id",
        "topics",
        "suitable_from",
        "published_at",
        "popular",
        "text",
        "creator_id",
        "label_confidence",
        "unsafe",
        "title",
    )
    muted = _words(keywords)
    rows = {row[0]: row for row in items.values_list(*columns)}
    hydrated = []
    for item_id, source in found.items():
        if item_id not in rows:  # withdrawn between two queries
            continue
        row = rows[item_id]
        _, external_id, topics, suitable_from, published_at, popularity, text, creator, confidence, unsafe, title = row
        facts = item_facts(external_id, text)
        candidate = Candidate(
            item_id=item_id,
            external_id=external_id,
            source=source,
            topics=tuple(topics),
            suitable_from=suitable_from,
            published_ms=to_ms(published_at),
            popularity=popularity or 0,
            creator_id=creator or 0,
            label_confidence=confidence,
            unsafe=tuple(unsafe),
            muted_words=tuple(sorted({word.casefold() for word in muted.findall(title)})) if muted else (),
            seconds=seconds_of(facts),
            close=creator in close,
            new_creator=creator in new,
            penalties=penalties.get(item_id, FREE).decisions,
            penalty_milli=penalties.get(item_id, FREE).milli,
        )
        hydrated.append((candidate, facts))
    return hydrated


def _words(keywords: Collection[str]) -> re.Pattern[str] | None:
    """Finds these as whole words, whatever their case; None where there are none."""
    if not keywords:
        return None
    return re.compile(rf"(?<!\w)(?:{'|'.join(re.escape(word) for word in sorted(keywords))})(?!\w)", re.IGNORECASE)
