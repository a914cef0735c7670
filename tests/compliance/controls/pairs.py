"""Pairs of people with equal declared inputs and different histories: whose lists must be equal (DSA Art. 38, D38).

Shared by the tests (a few pairs) and by `bench/controls.py` (a hundred for every surface and order).
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from compliance.audit.models import ServeRecord
from compliance.audit.selectors import document_of, inputs_of, key_of_record
from compliance.serving.door import serve
from compliance.serving.types import Context
from compliance.subjects.controls import follow, set_control
from compliance.subjects.models import Purpose, Subject
from compliance.subjects.services import choose_feed, hide_item, set_consent
from compliance.subjects.values import NON_PROFILED, SURFACES
from ranking.catalogue.models import Creator, Follow, Item, ProfileFacts
from ranking.catalogue.services import NewEvent, record_events
from ranking.data.schema import Action

EVENTS: Final = (12, 30)
"""How many things the first and the second of a pair did."""
READ_OF_A_PERSON: Final = ("observed.", "inferred.", "declared.profile")
"""What no list that is not profiled may read."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One list of one person of a pair."""

    mode: str
    items: tuple[int, ...]
    reads: tuple[str, ...]
    scored: bool


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The lists of a pair, on one surface in one order."""

    surface: str
    mode: str
    one: Seen
    other: Seen

    @property
    def fault(self) -> str:
        """What is wrong; empty where nothing is."""
        if {self.one.mode, self.other.mode} != {self.mode}:
            return f"served as {self.one.mode} and {self.other.mode}"
        if not self.one.items:
            return "the list is empty, so that nothing was compared"
        if self.one.items != self.other.items:
            return f"{self.one.items} differs from {self.other.items}"
        told = [read for seen in (self.one, self.other) for read in seen.reads if read.startswith(READ_OF_A_PERSON)]
        if told:
            return f"{', '.join(told)} was read"
        return "something was scored" if self.one.scored or self.other.scored else ""


def pair(*, service: str, number: int) -> tuple[Subject, Subject]:
    """Two people who declared the same and did different things."""
    dice = random.Random(number)  # noqa: S311 - repeatable, not secret
    items = list(Item.objects.filter(service=service, is_active=True).order_by("id").values_list("id", flat=True))
    topics = sorted({topic for row in Item.objects.values_list("topics", flat=True)[:200] for topic in row})
    creators = list(Creator.objects.filter(service=service).order_by("id").values_list("id", flat=True))
    declared = {
        "topics": dice.sample(topics, 3),
        "creators": dice.sample(creators, min(3, len(creators))),
        "muted": dice.choice(topics),
        "hidden": dice.sample(items, 3),
        "region": dice.choice(["", "R1", "R2"]),
    }
    both = tuple(_person(service, declared) for _ in EVENTS)
    for person, count in zip(both, EVENTS, strict=True):
        _history(person, dice.sample(items, min(count, len(items))), dice)
        ProfileFacts.objects.create(subject_id=person.id, facts={"categorical": {"gender": dice.choice("MF")}})
    return both[0], both[1]


def anchor_of(person: Subject) -> int:
    """An item about which every order has a related list for this person: so that no empty lists are compared."""
    mine = Follow.objects.filter(subject_id=person.id)
    topics = list(mine.exclude(topic="").values_list("topic", flat=True))
    muted = list(person.controls.filter(kind="topic", value="mute").values_list("target", flat=True))
    hidden = person.hidden_items.values_list("item_id", flat=True)
    shown = Item.objects.filter(service=person.service, is_active=True).exclude(topics__overlap=muted)
    shown = shown.exclude(id__in=hidden)
    followed = shown.filter(creator__in=mine.filter(creator__isnull=False).values("creator_id"))
    for item in shown.filter(topics__overlap=topics).order_by("id"):
        both = (shown.filter(topics__overlap=topics), followed)
        if all(found.filter(topics__overlap=item.topics).exclude(id=item.pk).exists() for found in both):
            return int(item.pk)
    raise LookupError("No item has a related list in every order for this person.")


def compare(people: tuple[Subject, Subject], *, surface: str, mode: str, now: datetime | None = None) -> Compared:
    """The next list of each, at the same moment or one moment after the other."""
    anchor = anchor_of(people[0]) if surface == "related" else 0
    for person in people:
        choose_feed(subject=person, surface=surface, feed_mode=mode)
    one, other = (_seen(person, surface, anchor, now or timezone.now()) for person in people)
    return Compared(surface=surface, mode=mode, one=one, other=other)


def everything() -> list[tuple[str, str]]:
    """Every surface with every order that is not profiled."""
    return [(surface, mode) for surface in SURFACES for mode in NON_PROFILED]


def _person(service: str, declared: dict[str, object]) -> Subject:
    person = Subject.objects.create(
        service=service,
        tier="adult",
        assurance="self_declared",
        jurisdiction="EU",
        region=str(declared["region"]),
    )
    set_consent(subject=person, purpose=Purpose.PERSONALISATION, granted=True)
    for topic in declared["topics"]:  # type: ignore[attr-defined]
        follow(subject=person, topic=topic)
    for creator in declared["creators"]:  # type: ignore[attr-defined]
        follow(subject=person, creator_id=creator)
    for item in declared["hidden"]:  # type: ignore[attr-defined]
        hide_item(subject=person, item_id=item)
    if declared["muted"] not in declared["topics"]:  # type: ignore[operator]
        set_control(subject=person, kind="topic", target=str(declared["muted"]), value="mute")
    return person


def _history(person: Subject, items: list[int], dice: random.Random) -> None:
    actions = (Action.CLICK, Action.LIKE, Action.LONG_VIEW, Action.RATED_1, Action.RATED_5)
    record_events(
        service=person.service,
        subject_id=person.id,
        region=person.region,
        events=[
            NewEvent(
                id=uuid.UUID(int=dice.getrandbits(128)),
                item_id=item,
                action=dice.choice(actions),
                occurred_at=timezone.now() - timedelta(minutes=dice.randint(1, 10_000)),
            )
            for item in items
        ],
    )


def _seen(person: Subject, surface: str, anchor: int, now: datetime) -> Seen:
    slate = serve(
        subject=person,
        context=Context(surface=surface, now=now, anchor_id=anchor if surface == "related" else None),
    )
    record = ServeRecord.objects.get(id=slate.serve_id)
    inputs = inputs_of(record, document_of(record), key_of_record(record))
    return Seen(
        mode=slate.feed_mode,
        items=tuple(item.item_id for item in slate.items),
        reads=inputs.reads,
        scored=inputs.tokens is not None or any(item.scores is not None for item in slate.items),
    )
