"""Reads of what somebody set for themselves, as pages and the API show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from compliance.subjects.models import Control, HiddenItem, Subject
from ranking.catalogue.models import Creator, Follow, Item


@dataclass(frozen=True, kw_only=True)
class OwnControl:
    """One control of a person's own, or a guardian's for them, which they see and cannot take back."""

    kind: str
    target: str
    value: str
    by_guardian: bool
    set_at: datetime


@dataclass(frozen=True, kw_only=True)
class OwnFollow:
    """A topic or a creator that a person follows."""

    topic: str
    creator: Creator | None
    close: bool


def own_controls(subject: Subject) -> tuple[OwnControl, ...]:
    """Every control about a subject, by kind and target."""
    rows = Control.objects.filter(subject=subject).order_by("kind", "target", "by_guardian", "id")
    return tuple(
        OwnControl(kind=row.kind, target=row.target, value=row.value, by_guardian=row.by_guardian, set_at=row.set_at)
        for row in rows
    )


def own_follows(subject: Subject) -> tuple[OwnFollow, ...]:
    """Whom and what a subject follows: topics first, each by name."""
    rows = Follow.objects.filter(subject_id=subject.id).select_related("creator")
    found = [OwnFollow(topic=row.topic, creator=row.creator, close=row.close) for row in rows]
    return tuple(sorted(found, key=_by_name))


def hidden_items(subject: Subject, *, shown: QuerySet[Item]) -> tuple[Item, ...]:
    """What a subject hid, the latest first: of what may be shown to them, so that no title reaches who is too young."""
    rows = HiddenItem.objects.filter(subject=subject, item__in=shown).select_related("item")
    return tuple(row.item for row in rows.order_by("-hidden_at", "-id"))


def creators_named(subject: Subject) -> dict[str, Creator]:
    """The creators that a subject's controls are about, by the id as controls write it."""
    targets = Control.objects.filter(subject=subject, kind="creator").values_list("target", flat=True)
    found = Creator.objects.in_bulk([int(target) for target in targets if target.isdecimal()])
    return {str(number): creator for number, creator in found.items()}


def _by_name(one: OwnFollow) -> tuple[bool, str]:
    return (one.creator is not None, one.topic if one.creator is None else one.creator.name)
