"""Placing and lifting legal holds, and whether one covers a month. Each is an act of two people, in the log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from compliance.audit.events import note
from compliance.audit.keys.errors import OrderRefused
from compliance.audit.keys.orders import SCHEDULE, SUBJECT, order
from compliance.audit.models import LegalHold, LogEntry, LogQueue

HOLDS: Final = 0x636C6572_686F6C64
"""PostgreSQL's advisory lock between placing a hold and deleting what it may cover."""


class NoSuchHold(LookupError):
    """There is no hold of this id in force."""


def keep_holds() -> None:
    """Let no hold be placed until this transaction ends: asked for after this, `in_force` has all that there are.

    Who deletes calls it in the transaction that deletes; a hold is placed before that, or it comes too late.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [HOLDS])


@transaction.atomic
def place_hold(
    *,
    by: str,
    approved_by: str,
    why: str,
    service: str = "",
    pseudonym: UUID | None = None,
    since: date | None = None,
    until: date | None = None,
) -> LegalHold:
    """Hold what the scope covers: all of it where the scope is empty. Raises OrderRefused."""
    ordered = _two_people(by=by, approved_by=approved_by, why=why)
    if since is not None and until is not None and since >= until:
        raise OrderRefused(f"A hold from {since} until {until} covers nothing: give an earlier and a later day.")
    keep_holds()
    now = timezone.now()
    scope = {
        "service": service,
        "since": None if since is None else since.isoformat(),
        "until": None if until is None else until.isoformat(),
        "of_one_person": pseudonym is not None,  # whom, the database says: the act outlives the person's erasure
    }
    event = note(kind="hold_placed", happened_at=now, what={**ordered, "scope": scope})
    return LegalHold.objects.create(
        id=event,
        service=service,
        pseudonym=pseudonym,
        since=since,
        until=until,
        why=why,
        by=by,
        approved_by=approved_by,
        placed_at=now,
    )


@transaction.atomic
def lift_hold(*, hold_id: UUID, by: str, approved_by: str, why: str) -> LegalHold:
    """Let go what a hold kept. Raises NoSuchHold, OrderRefused."""
    ordered = _two_people(by=by, approved_by=approved_by, why=why)
    hold = LegalHold.objects.select_for_update().filter(id=hold_id, lifted_at=None).first()
    if hold is None:
        raise NoSuchHold(f"No legal hold {hold_id} is in force: `manage.py audit hold list` shows those that are.")
    now = timezone.now()
    hold.lift_event = note(kind="hold_lifted", happened_at=now, what={**ordered, "hold": str(hold_id)})
    hold.lifted_at = now
    hold.save(update_fields=["lift_event", "lifted_at"])
    return hold


def in_force() -> QuerySet[LegalHold]:
    """Holds that were placed and not lifted, the oldest first."""
    return LegalHold.objects.filter(lifted_at=None).order_by("placed_at")


def hold_on_person(pseudonym: UUID) -> LegalHold | None:
    """The first hold that covers a person, by name or with others: what an erasure has to ask for.

    A hold on a service counts for everybody: a pseudonym does not say whose service it is of.
    """
    return in_force().filter(Q(pseudonym=pseudonym) | Q(pseudonym=None)).first()


def hold_faults() -> Iterator[str]:
    """Name holds whose rows were removed, or lifted without an act: what the log says was placed must be there."""
    rows = {hold.id: hold for hold in LegalHold.objects.all()}
    for event in _events("hold_placed") - rows.keys():
        yield f"legal hold {event} was placed, but its row is gone: what it kept is not safe; place it again"
    lifted = _events("hold_lifted")
    used: set[UUID] = set()
    for hold in rows.values():
        if hold.lifted_at is not None and (hold.lift_event not in lifted or hold.lift_event in used):
            yield f"legal hold {hold.id} is marked as lifted, but no act lifted it"
        used |= {hold.lift_event} if hold.lift_event else set()


def _events(kind: str) -> set[UUID]:
    """Acts of a kind, by the log, which keeps every entry; or on their way into it."""
    logged = LogEntry.objects.filter(kind=kind).values_list("event_id", flat=True)
    return {*logged, *LogQueue.objects.filter(kind=kind).values_list("id", flat=True)}


def sentence(hold: LegalHold, what: str) -> str:
    """Why something stays, in words."""
    return (
        f"{what} is kept: a legal hold placed by {hold.by} and approved by {hold.approved_by} on "
        f"{hold.placed_at:%Y-%m-%d} covers it ({hold.why}). Two people can lift hold {hold.id}."
    )


def _two_people(*, by: str, approved_by: str, why: str) -> dict[str, Any]:
    if by in (SCHEDULE, SUBJECT):
        raise OrderRefused(f"A legal hold is an order of two people, not of the {by}: name both.")
    return order(by=by, approved_by=approved_by, why=why)
