"""From item ids, whatever source found them, to candidates with the facts a ranker may read: one query for all."""

from __future__ import annotations

from django.db.models import CharField, F, FilteredRelation, Q, QuerySet
from django.db.models.functions import Cast

from ranking.catalogue.clock import to_ms
from ranking.catalogue.models import Item
from ranking.catalogue.selectors import item_facts
from ranking.data.facts import ItemFacts
from ranking.serving.types import Candidate


def with_popularity(items: QuerySet[Item], region: str) -> QuerySet[Item]:
    """Attach each item's popularity in `region` ("" = everywhere) as `popular`."""
    return items.annotate(
        here=FilteredRelation("popularity", condition=Q(popularity__region=region)), popular=F("here__score")
    )


def hydrate(found: dict[int, str], *, region: str) -> list[tuple[Candidate, ItemFacts]]:
    """Candidates for {item id: source}, in that order, each with its facts."""
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
    )
    rows = {row[0]: row for row in items.values_list(*columns)}
    hydrated = []
    for item_id, source in found.items():
        if item_id not in rows:  # withdrawn between two queries
            continue
        _, external_id, topics, suitable_from, published_at, popularity, text, creator, confidence, unsafe = rows[
            item_id
        ]
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
        )
        hydrated.append((candidate, item_facts(external_id, text)))
    return hydrated
