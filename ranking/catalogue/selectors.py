"""Reads from the catalogue: items, and what a ranker may know of them and of a person's past."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from uuid import UUID

from django.db.models import CharField, QuerySet, Window
from django.db.models.functions import Cast, RowNumber

from ranking.catalogue.clock import from_ms, to_ms
from ranking.catalogue.models import Event, Item, ProfileFacts
from ranking.data.facts import EventFacts, ItemFacts, UserFacts
from ranking.data.schema import Action
from ranking.data.tokens import window_start


def items_by_id(ids: Iterable[int]) -> dict[int, Item]:
    """Return the items with these ids, active or not: a record may name items that were withdrawn since."""
    return Item.objects.in_bulk(list(ids))


CONFIDENCES: Final = ("", "low", "medium", "high")
"""How sure a label is, the least sure first."""


@dataclass(frozen=True, kw_only=True)
class Mutes:
    """What a person never wants in a list: topics, creators, and words in titles."""

    topics: tuple[str, ...] = ()
    creators: tuple[int, ...] = ()
    keywords: tuple[str, ...] = ()

    def leave(self, items: QuerySet[Item]) -> QuerySet[Item]:
        """The items that are left. A word is muted as a whole word, whatever its case."""
        if self.topics:
            items = items.exclude(topics__overlap=list(self.topics))
        if self.creators:
            items = items.exclude(creator_id__in=self.creators)
        if self.keywords:
            words = "|".join(re.escape(word) for word in self.keywords)
            items = items.exclude(title__iregex=rf"\y({words})\y")
        return items


def eligible_items(
    *, service: str, audiences: Iterable[str], hidden: Iterable[int], confidence: str = ""
) -> QuerySet[Item]:
    """Active items that a plan allows: labelled for one of `audiences` ("" = unlabelled), surely enough, not hidden."""
    items = Item.objects.filter(service=service, is_active=True, suitable_from__in=list(audiences))
    if confidence:
        items = items.filter(label_confidence__in=CONFIDENCES[CONFIDENCES.index(confidence) :])
    hidden = list(hidden)
    return items.exclude(id__in=hidden) if hidden else items


@lru_cache(maxsize=100_000)
def item_facts(external_id: str, text: str) -> ItemFacts:
    """Turn an item's stored facts (the JSON's text) into what the encoder reads. Cached by its own content."""
    facts = json.loads(text)
    return ItemFacts(
        external_id=external_id,
        categorical=facts.get("categorical", {}),
        multi={name: tuple(values) for name, values in facts.get("multi", {}).items()},
        dense=facts.get("dense", {}),
    )


def profile_facts(subject_id: UUID) -> UserFacts:
    """Declared facts about a person; none are invented."""
    row = ProfileFacts.objects.filter(subject_id=subject_id).values_list("facts", flat=True).first() or {}
    return UserFacts(categorical=row.get("categorical", {}), dense=row.get("dense", {}))


def events_of(*, subject_id: UUID, actions: Iterable[Action], since_ms: int | None) -> QuerySet[Event]:
    """A person's events that may be read: of these actions only, and none from before they started again."""
    events = Event.objects.filter(subject_id=subject_id)
    if wanted := set(Action) - set(actions):
        events = events.exclude(action__in=[int(action) for action in wanted])
    return events if since_ms is None else events.filter(occurred_at__gte=from_ms(since_ms))


def history(*, events: QuerySet[Event], before_ms: int, keep: int, dwell: bool) -> list[tuple[int, EventFacts]]:
    """Return (item id, event) for the last events strictly before a moment, oldest first; how long only with `dwell`.

    At most `keep`, cut at the block boundary that training uses (`tokens.window_start`).
    """
    past = events.filter(occurred_at__lt=from_ms(before_ms))
    rows = list(
        past.annotate(number=Window(RowNumber(), order_by=["occurred_at", "id"]), text=Cast("item__facts", CharField()))
        .order_by("-occurred_at", "-id")
        .values_list("number", "item_id", "item__external_id", "text", "action", "occurred_at", "dwell_ms")[:keep]
    )
    rows.reverse()
    total = rows[-1][0] if rows else 0
    kept = rows[len(rows) - (total - window_start(events=total, keep=keep)) :]
    return [
        (
            item_id,
            EventFacts(
                item=item_facts(external_id, text),
                action=Action(action),
                time_ms=to_ms(occurred_at),
                content={} if dwell_ms is None or not dwell else {"dwell": dwell_ms / 1000},
            ),
        )
        for _, item_id, external_id, text, action, occurred_at, dwell_ms in kept
    ]
