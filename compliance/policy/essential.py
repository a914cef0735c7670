"""Declaring what everyone needs: two people agree, it ends by itself, and every act is on record."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from compliance.audit.events import note
from compliance.audit.keys.orders import order_of_people
from ranking.catalogue.clock import to_ms
from ranking.catalogue.models import Essential, Item

KIND: Final = "essential"
"""The audit event of a notice's declaration and of its end."""
LONGEST: Final = {Essential.Kind.BREAKING: timedelta(days=2), Essential.Kind.SAFETY: timedelta(days=30)}
"""How long a notice may stand: news grow old, and what is needed longer is declared anew by two people."""

LONGEST_REGION: Final = 16
MOST_LISTED: Final = 100


class EssentialRefused(ValueError):
    """A notice that cannot be declared, and why."""


@transaction.atomic
def declare_essential(
    *,
    service: str,
    item_id: int,
    kind: str,
    region: str,
    starts_at: datetime,
    ends_at: datetime,
    by: str,
    approved_by: str,
    why: str,
    now: datetime,
) -> Essential:
    """Declare an item to be what everyone in a region ("" = everywhere) needs from one moment to before another.

    It is mixed into lists of every order, at fixed places and labelled, as far as their plans and the principles
    allow: who may not see the item does not. Raises EssentialRefused and OrderRefused.
    """
    said = order_of_people(by=by, approved_by=approved_by, why=why)
    if kind not in Essential.Kind.values:
        raise EssentialRefused(f"{kind!r} is no kind of notice: choose one of {', '.join(Essential.Kind.values)}.")
    if not max(starts_at, now) < ends_at <= starts_at + LONGEST[Essential.Kind(kind)]:
        raise EssentialRefused(
            f"A notice of kind {kind} ends in the future, after it starts, and at most "
            f"{LONGEST[Essential.Kind(kind)].days} days later: give other times."
        )
    if not Item.objects.filter(id=item_id, service=service, is_active=True).exists():
        raise EssentialRefused(f"There is no active item {item_id}: name one of the catalogue.")
    if len(region) > LONGEST_REGION:
        raise EssentialRefused(f"A region's name has at most {LONGEST_REGION} letters: give one that people's have.")
    notice = Essential.objects.create(
        item_id=item_id,
        kind=kind,
        region=region,
        starts_at=starts_at,
        ends_at=ends_at,
        declared_by=said["by"],
        approved_by=said["approved_by"],
        reason=said["why"],
    )
    note(kind=KIND, happened_at=now, what={**said, "act": "declared", **_said(notice)})
    return notice


@transaction.atomic
def end_essential(*, service: str, notice_id: int, by: str, approved_by: str, why: str, now: datetime) -> Essential:
    """End a notice now. Raises EssentialRefused and OrderRefused."""
    said = order_of_people(by=by, approved_by=approved_by, why=why)
    notice = (
        Essential.objects.select_for_update(of=("self",))
        .filter(id=notice_id, item__service=service, ends_at__gt=now)
        .first()
    )
    if notice is None:
        raise EssentialRefused(f"There is no notice {notice_id} that still stands: nothing was ended.")
    notice.ends_at = max(now, notice.starts_at)
    notice.save(update_fields=["ends_at"])
    note(kind=KIND, happened_at=now, what={**said, "act": "ended", **_said(notice)})
    return notice


def notices(*, service: str, since: datetime | None) -> list[Essential]:
    """The notices that stand or are to come after a moment (None: all), the latest first, 100 at most."""
    found = Essential.objects.filter(item__service=service)
    if since is not None:
        found = found.filter(ends_at__gt=since)
    return list(found.order_by("-id")[:MOST_LISTED])


def _said(notice: Essential) -> dict[str, object]:
    return {
        "notice_id": notice.pk,
        "item_id": notice.item_id,
        "notice": notice.kind,
        "region": notice.region,
        "starts_ms": to_ms(notice.starts_at),
        "ends_ms": to_ms(notice.ends_at),
    }
