"""Writes about subjects: choices, consents, hidden items. Each is on record, in the same transaction."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from compliance.audit.events import note
from compliance.audit.keys.orders import SUBJECT
from compliance.audit.keys.services import erase
from compliance.subjects.models import Consent, FeedChoice, HiddenItem, Purpose, Subject
from compliance.subjects.zones import ZONE_HOLDS, is_zone
from ranking.serving.services import forget_person


@transaction.atomic
def choose_feed(*, subject: Subject, surface: str, feed_mode: str) -> FeedChoice:
    """Store the order chosen for a surface. Whether it is offered is the policy's to say (`policy.services`)."""
    choice, _ = FeedChoice.objects.update_or_create(subject=subject, surface=surface, defaults={"feed_mode": feed_mode})
    _note("control", subject, {"control": "feed_mode", "surface": surface, "value": feed_mode})
    return choice


@transaction.atomic
def set_consent(*, subject: Subject, purpose: Purpose, granted: bool) -> Consent:
    """Add a decision; earlier ones stay as they were."""
    consent = Consent.objects.create(subject=subject, purpose=purpose, granted=granted)
    _note("consent", subject, {"purpose": str(purpose), "granted": granted, "consent_id": consent.pk})
    return consent


class ZoneRefused(ValueError):
    """A time zone that does not exist, or one that follows another too soon."""


@transaction.atomic
def declare_timezone(*, subject: Subject, name: str, now: datetime) -> None:
    """Store where a person's clock is, at most once in 24 hours. Raises ZoneRefused.

    For a day after a change the clocks of both zones hold, so that nobody moves their night, or opens a second day's
    limit, by declaring another (see `subjects.zones`).
    """
    if not is_zone(name):
        raise ZoneRefused(f"There is no time zone {name[:64]!r}, so nothing was changed. Choose one of the list.")
    held = Subject.objects.select_for_update().get(pk=subject.pk)
    if held.timezone == name:
        return
    if held.timezone_since is not None and now < held.timezone_since + ZONE_HOLDS:
        raise ZoneRefused(
            "Your time zone was changed less than 24 hours ago, and it can change once a day, so nothing was changed. "
            f"Try again after {held.timezone_since + ZONE_HOLDS:%Y-%m-%d %H:%M} UTC."
        )
    held.timezone, held.timezone_before, held.timezone_since = name, held.timezone, now
    held.save(update_fields=["timezone", "timezone_before", "timezone_since"])
    subject.refresh_from_db(fields=["timezone", "timezone_before", "timezone_since"])
    _note("time_zone", subject, {"time_zone": name, "before": held.timezone_before})


@transaction.atomic
def hide_item(*, subject: Subject, item_id: int) -> None:
    """Hide an item from every list of the subject. Hiding it twice changes nothing."""
    _, new = HiddenItem.objects.get_or_create(subject=subject, item_id=item_id)
    if new:
        _note("control", subject, {"control": "hide_item", "value": item_id})


@transaction.atomic
def unhide_item(*, subject: Subject, item_id: int) -> None:
    """Let a hidden item be shown again."""
    gone, _ = HiddenItem.objects.filter(subject=subject, item_id=item_id).delete()
    if gone:
        _note("control", subject, {"control": "unhide_item", "value": item_id})


@transaction.atomic
def begin_anew(*, subject: Subject, why: str, by: str = SUBJECT, approved_by: str = "") -> None:
    """Destroy the key of everything on record of a subject, who goes on under a new pseudonym, in a new epoch.

    What they declared and did stays: this is about the record (GDPR Art. 17). `by` and `approved_by` are as in
    `compliance.audit.keys.orders`. Raises OrderRefused.
    """
    held = Subject.objects.select_for_update().get(pk=subject.pk)
    gone = held.pseudonym
    for pseudonym in (gone, *held.earlier_epochs.order_by("epoch").values_list("pseudonym", flat=True)):
        erase(pseudonym=pseudonym, by=by, why=why, approved_by=approved_by)
    held.earlier_epochs.all().delete()
    Subject.objects.filter(pk=held.pk).update(pseudonym=uuid4(), epoch=held.epoch + 1)
    subject.refresh_from_db(fields=["pseudonym", "epoch"])
    forget = partial(forget_person, service=held.service, pseudonym=gone)
    transaction.on_commit(forget, robust=True)  # what a scorer remembers of them


def _note(kind: str, subject: Subject, what: dict[str, Any]) -> None:
    who = {"service": subject.service, "pseudonym": str(subject.pseudonym), "epoch": subject.epoch}
    note(kind=kind, happened_at=timezone.now(), what={"by": who, **what}, pseudonym=subject.pseudonym)
