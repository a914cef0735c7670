"""What tests of controls share: made-up creators, durations, and slates served now."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from compliance.audit.models import ServeRecord
from compliance.audit.selectors import document_of, inputs_of, key_of_record
from compliance.serving.door import serve
from compliance.serving.types import Context, Slate
from compliance.subjects.models import Purpose, Subject
from compliance.subjects.services import choose_feed, set_consent
from ranking.catalogue.models import Creator, Item
from ranking.catalogue.services import NewEvent, record_events
from ranking.data.schema import Action
from ranking.serving.types import RankInputs
from tests.conftest import World

CREATORS = 8


def peopled(world: World) -> list[Creator]:
    """Creators and durations for the world."""
    return give_creators(world.service)


def give_creators(service: str) -> list[Creator]:
    """Give every item one of a few creators and a duration; the last creator is new: theirs came out this month."""
    creators = [
        Creator.objects.create(service=service, external_id=f"c{number}", name=f"Creator {number}")
        for number in range(CREATORS)
    ]
    items = list(Item.objects.filter(service=service).order_by("id"))
    for number, item in enumerate(items):
        item.creator = creators[number % CREATORS]
        item.facts = {**item.facts, "dense": {**item.facts.get("dense", {}), "seconds": 300.0 + 60 * (number % 20)}}
        if number % CREATORS == CREATORS - 1:
            item.published_at = timezone.now() - timedelta(days=number % 30, seconds=1)
    Item.objects.bulk_update(items, ["creator", "facts", "published_at"])
    return creators


def adult(world: World, **fields: Any) -> Subject:
    """A new adult who agreed to personalisation."""
    given = {"service": world.service, "tier": "adult", "assurance": "self_declared", "jurisdiction": "EU"}
    subject = Subject.objects.create(**{**given, **fields})
    set_consent(subject=subject, purpose=Purpose.PERSONALISATION, granted=True)
    return subject


def act(subject: Subject, item_id: int, action: Action, *, ago: timedelta = timedelta(minutes=1)) -> None:
    """Something the subject did a while ago."""
    act_all(subject, [(item_id, action, ago)])


def act_all(subject: Subject, done: Iterable[tuple[int, Action, timedelta]]) -> None:
    """Several things the subject did: with which item, what, and how long ago."""
    now = timezone.now()
    events = [
        NewEvent(
            id=uuid.uuid4(),
            item_id=item_id,
            action=action,
            occurred_at=now - ago,
            dwell_ms=30_000 if action is Action.DWELL else None,
        )
        for item_id, action, ago in done
    ]
    record_events(service=subject.service, subject_id=subject.id, region=subject.region, events=events)


def in_mode(subject: Subject, mode: str) -> None:
    """Choose an order on every surface."""
    for surface in ("home", "related"):
        choose_feed(subject=subject, surface=surface, feed_mode=mode)


def list_of(subject: Subject, *, anchor: int | None = None, size: int = 12) -> Slate:
    """One slate, now: of the item `anchor` where one is given, else of the home surface."""
    surface = "home" if anchor is None else "related"
    return serve(
        subject=subject, context=Context(surface=surface, now=timezone.now(), anchor_id=anchor, slate_size=size)
    )


def ids(slate: Slate) -> list[int]:
    """The slate's items in order."""
    return [one.item_id for one in slate.items]


def record(slate: Slate) -> ServeRecord:
    """Its record."""
    return ServeRecord.objects.get(id=slate.serve_id)


def inputs(slate: Slate) -> RankInputs:
    """What it was computed from, as recorded."""
    found = record(slate)
    return inputs_of(found, document_of(found), key_of_record(found))


def document(slate: Slate) -> dict[str, Any]:
    """Its record's document."""
    return document_of(record(slate))
