"""Writes that the pages and the API share."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from uuid import UUID, uuid5

from django.db import transaction
from django.utils import timezone

from compliance.audit.cold.errors import ColdDamaged, TooMuch
from compliance.audit.models import ServeRecord
from compliance.audit.selectors import record_of
from compliance.policy.facts import plan_for
from compliance.subjects.models import Purpose, Subject
from compliance.subjects.services import hide_item, set_consent
from host.dashboard.account_selectors import consent_barriers
from host.outbox.services import enqueue
from ranking.catalogue.models import Event
from ranking.catalogue.selectors import eligible_items
from ranking.catalogue.services import NewEvent, UnknownItems, record_events, stored_id
from ranking.data.schema import Action
from ranking.serving.services import forget_person

logger = logging.getLogger(__name__)


class ConsentNotOffered(PermissionError):
    """Somebody agreed to what a rule does not offer them."""


def decide_consent(*, subject: Subject, granted: bool) -> None:
    """Give or withdraw consent to personalisation. Raises ConsentNotOffered with the rule and the law.

    Whom a rule refuses personalised lists whatever they say (children, say) is not asked, and cannot agree ahead of
    time to what would begin by itself with a birthday (GDPR Art. 8). Withdrawing is always possible (Art. 7(3)).
    """
    if granted and (barriers := consent_barriers(subject=subject)):
        why = barriers[0]
        raise ConsentNotOffered(
            f"{why.words} (rule {why.rule}, {why.law}) So there is nothing to agree to, and nothing was stored."
        )
    _decide(subject, Purpose.PERSONALISATION, granted=granted, profiled=granted)


def decide_objection(*, subject: Subject, objects: bool) -> None:
    """Object to profiling, or take that back: it outweighs any consent, and needs no reason (GDPR Art. 21 (21)).

    It holds from the next list on. Taking it back gives no consent that was not given.
    """
    _decide(subject, Purpose.OBJECTION, granted=objects, profiled=not objects)


@transaction.atomic
def _decide(subject: Subject, purpose: Purpose, *, granted: bool, profiled: bool) -> None:
    set_consent(subject=subject, purpose=purpose, granted=granted)
    if not profiled:  # what was computed from the history goes too, once nothing new can be
        forget = partial(forget_person, service=subject.service, pseudonym=subject.pseudonym)
        transaction.on_commit(forget, robust=True)


@transaction.atomic
def react(*, subject: Subject, events: Sequence[NewEvent]) -> int:
    """Store what a person did, whole or not at all; return how many events were new. Raises UnknownItems.

    "Not interested" also hides the item, which is declared and so binds every feed mode; sent again it does not, for
    the person may have taken it back since. Popularity is recounted later, at most once a minute: the outbox row is
    written in the same transaction. Items that the person's tier may not see are unknown to them.
    """
    named = {event.item_id for event in events}
    audiences = plan_for(subject, "home").audiences
    seen = set(
        eligible_items(service=subject.service, audiences=audiences, hidden=())
        .filter(id__in=named)
        .values_list("id", flat=True)
    )
    if unknown := sorted(named - seen):
        raise UnknownItems(unknown)
    stored = {event.id: stored_id(subject.id, event.id) for event in events}
    known = set(Event.objects.filter(id__in=stored.values()).values_list("id", flat=True))
    new = record_events(service=subject.service, subject_id=subject.id, region=subject.region, events=events)
    for event in events:
        if event.action is Action.NOT_INTERESTED and stored[event.id] not in known:
            hide_item(subject=subject, item_id=event.item_id)
    if new:
        enqueue(task="refresh_popularity", key=f"{timezone.now():%Y%m%dT%H%M}", arguments={})
    return new


@transaction.atomic
def press(*, subject: Subject, event: NewEvent) -> None:
    """Store what a person pressed on a page. Unlike a retry, pressing "Not interested" again hides again."""
    react(subject=subject, events=[event])
    if event.action is Action.NOT_INTERESTED:
        hide_item(subject=subject, item_id=event.item_id)


def record_opening(*, subject: Subject, item_id: int, serve_id: UUID) -> bool:
    """Record that a person opened an item of a slate of theirs; say whether it was one. Reloading records nothing.

    Where the slate is so old that it lies in the cold tier, and that cannot be read, the item opens all the same.
    """
    try:
        document = record_of(subject=subject, serve_id=serve_id)
    except ServeRecord.DoesNotExist:
        return False
    except (ColdDamaged, TooMuch):
        logger.exception("The cold tier did not answer for a slate that an item was opened in.")
        return False
    if document.get("source") or item_id not in {place["item_id"] for place in document["output"]["items"]}:
        return False  # a list that another ranker decided has no page here
    opened = NewEvent(
        id=event_id(subject=subject, once=serve_id.hex, item_id=item_id, action=Action.CLICK),
        item_id=item_id,
        action=Action.CLICK,
        occurred_at=timezone.now(),
        surface=document["situation"]["surface"],
        serve_id=serve_id,
    )
    react(subject=subject, events=[opened])
    return True


def event_id(*, subject: Subject, once: str, item_id: int, action: Action) -> UUID:
    """Return the id of what one person can do once in one list, so that a double click adds nothing."""
    return uuid5(subject.pseudonym, f"{once} {item_id} {action.name}")
