"""Writes of what people set for themselves, each validated whole, on record, and undone as easily as done (D25, D27).

Nothing here asks whether it is a good idea: a control holds until its owner changes it (DSA Art. 25(3), 27(3)).
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import uuid4

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from compliance.audit.events import note
from compliance.subjects.models import Control, EarlierEpoch, HiddenItem, Subject
from compliance.subjects.stating import MOST_FOLLOWS, MOST_OF_A_KIND, ControlRefused, checked
from ranking.catalogue.clock import from_ms, to_ms
from ranking.catalogue.models import Follow
from ranking.serving.services import forget_person

RESETTABLE: Final = ("topic", "creator", "keyword", "objective")
"""What "also what I declared" takes back. Pauses, signals that are off and limits protect, so they stay."""
MILLISECOND: Final = timedelta(milliseconds=1)

__all__ = [
    "ControlRefused",
    "clear_control",
    "clear_controls",
    "follow",
    "set_control",
    "start_again",
    "unfollow",
]


@transaction.atomic
def set_control(*, subject: Subject, kind: str, target: str, value: str) -> Control:
    """Set one control of a person's own; setting it again to the same changes nothing. Raises ControlRefused."""
    wanted = checked(service=subject.service, kind=kind, target=target, value=value)
    own = _locked(subject)
    held = own.filter(kind=wanted.kind, target=wanted.target).first()
    if held is not None and held.value == wanted.value:
        return held
    if held is None and own.filter(kind=wanted.kind).count() >= MOST_OF_A_KIND:
        raise ControlRefused(
            f"You have set {MOST_OF_A_KIND} of these already, which is the most that a list can follow: take one back "
            "first."
        )
    held, _ = Control.objects.update_or_create(
        subject=subject,
        kind=wanted.kind,
        target=wanted.target,
        by_guardian=False,
        defaults={"value": wanted.value},
    )
    _note(subject, {"control": wanted.kind, "target": wanted.target, "value": wanted.value})
    return held


@transaction.atomic
def clear_control(*, subject: Subject, kind: str, target: str) -> bool:
    """Take one control back; say whether there was one. What a guardian set is not the person's to take back."""
    gone, _ = _locked(subject).filter(kind=kind, target=target).delete()
    if gone:
        _note(subject, {"control": kind, "target": target, "value": ""})
    return bool(gone)


@transaction.atomic
def clear_controls(*, subject: Subject, kinds: tuple[str, ...] = RESETTABLE) -> int:
    """Take all controls of these kinds back; return how many there were."""
    found = list(_locked(subject).filter(kind__in=kinds).order_by("kind", "target"))
    for one in found:
        clear_control(subject=subject, kind=one.kind, target=one.target)
    return len(found)


@transaction.atomic
def follow(*, subject: Subject, topic: str = "", creator_id: int | None = None, close: bool = False) -> Follow:
    """Follow a topic or a creator; `close` says that a creator's items come first. Raises ControlRefused."""
    kind, target = _followed(topic, creator_id)
    if close and kind != "creator":
        raise ControlRefused("Only a creator can be close to you: follow the topic without it.")
    checked(service=subject.service, kind=kind, target=target, value="more")
    _locked(subject)
    mine = Follow.objects.filter(subject_id=subject.id)
    held = _about(mine, topic, creator_id).first()
    if held is None and mine.count() >= MOST_FOLLOWS:
        raise ControlRefused(f"You follow {MOST_FOLLOWS} already, which is the most: stop following one first.")
    if held is None:
        held = Follow.objects.create(subject_id=subject.id, topic=topic, creator_id=creator_id, close=close)
    elif held.close == close:
        return held
    else:
        held.close = close
        held.save(update_fields=["close"])
    _note(subject, {"control": "follow", "about": kind, "target": target, "value": "close" if close else "on"})
    return held


@transaction.atomic
def unfollow(*, subject: Subject, topic: str = "", creator_id: int | None = None) -> bool:
    """Stop following; say whether it was followed."""
    kind, target = _followed(topic, creator_id)
    gone, _ = _about(Follow.objects.filter(subject_id=subject.id), topic, creator_id).delete()
    if gone:
        _note(subject, {"control": "follow", "about": kind, "target": target, "value": ""})
    return bool(gone)


@transaction.atomic
def start_again(*, subject: Subject, also_declared: bool = False) -> None:
    """Start a new epoch: nothing that was done before is an input of any list again (M4).

    The act is on record under the old pseudonym's key, and so stay the earlier lists, which no page or API shows to
    anybody but an auditor. Follows, hidden items, wishes and answers were declared, so they stay unless
    `also_declared`; no earlier question can be answered any more.
    Orders, consents, pauses, signals that are off, and limits always stay: each keeps something from being done.
    """
    held = Subject.objects.select_for_update().get(pk=subject.pk)
    # From the next whole millisecond on: everything before it, and within it, is of the past.
    since = from_ms(to_ms(timezone.now())) + MILLISECOND
    if also_declared:
        clear_controls(subject=held)
        HiddenItem.objects.filter(subject=held).delete()
        held.stated_preferences.all().delete()
        Follow.objects.filter(subject_id=held.pk).delete()
    _note(held, {"control": "start_again", "also_declared": also_declared, "since_ms": to_ms(since)})
    EarlierEpoch.objects.create(subject=held, pseudonym=held.pseudonym, epoch=held.epoch, ended_at=since)
    forget = partial(forget_person, service=held.service, pseudonym=held.pseudonym)
    Subject.objects.filter(pk=held.pk).update(pseudonym=uuid4(), epoch=held.epoch + 1, history_since=since)
    subject.refresh_from_db(fields=["pseudonym", "epoch", "history_since"])
    transaction.on_commit(forget, robust=True)  # what a scorer remembers of them


def _locked(subject: Subject) -> QuerySet[Control]:
    """The person's own controls; two writes about one person come one after the other."""
    Subject.objects.select_for_update().get(pk=subject.pk)
    return Control.objects.filter(subject=subject, by_guardian=False)


def _about(follows: QuerySet[Follow], topic: str, creator_id: int | None) -> QuerySet[Follow]:
    return follows.filter(topic=topic) if creator_id is None else follows.filter(creator_id=creator_id)


def _followed(topic: str, creator_id: int | None) -> tuple[str, str]:
    if bool(topic) == (creator_id is not None):
        raise ControlRefused("Name either a topic or a creator, so that it is clear whom you follow.")
    return ("topic", topic) if topic else ("creator", str(creator_id))


def _note(subject: Subject, what: dict[str, Any]) -> None:
    who = {"service": subject.service, "pseudonym": str(subject.pseudonym), "epoch": subject.epoch}
    note(kind="control", happened_at=timezone.now(), what={"by": who, **what}, pseudonym=subject.pseudonym)
