"""What a legal hold covers: partitions and months of the cold tier. Asked for the plan, and again when it is done."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from uuid import UUID

import orjson
from django.db import connection

from compliance.audit.cold.partitions import Partition
from compliance.audit.cold.queries import holds_person
from compliance.audit.cold.schema import RECORDS
from compliance.audit.cold.selectors import paths_of
from compliance.audit.models import ColdMonth, LegalHold
from compliance.audit.retention.holds import in_force, keep_holds, sentence
from compliance.audit.selectors import act_anywhere
from ranking.catalogue.clock import from_ms


class Held(Exception):
    """A legal hold covers it; the sentence says which."""


def refuse_held(what: Partition | ColdMonth) -> None:
    """Refuse (Held) what a hold covers, and let none be placed until this transaction ends. Raises ColdDamaged."""
    keep_holds()
    if said := covered(in_force(), what):
        raise Held(said)


def covered(holds: Iterable[LegalHold], what: Partition | ColdMonth) -> str:
    """Why a hold keeps it, in words; "" where none does. Raises ColdDamaged."""
    hold = next((each for each in holds if _covers(each, what)), None)
    return "" if hold is None else sentence(hold, str(what))


def end_of(period: date) -> date:
    """The first day after a month."""
    return (period + timedelta(days=31)).replace(day=1)


def _covers(hold: LegalHold, what: Partition | ColdMonth) -> bool:
    return _covers_partition(hold, what) if isinstance(what, Partition) else _covers_month(hold, what)


def _covers_partition(hold: LegalHold, partition: Partition) -> bool:
    """Whether any row is covered. Acts and blobs name no service: a hold on one covers them all."""
    if not _in_time(hold, partition.start, partition.end):
        return False
    terms, values = [], []
    if hold.service and partition.table is RECORDS:
        terms, values = ["service = %s"], [hold.service]
    if hold.pseudonym is not None:
        terms, values = [*terms, "pseudonym = %s"], [*values, str(hold.pseudonym)]
    if not terms:
        return True
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT 1 FROM "{partition.name}" WHERE {" AND ".join(terms)} LIMIT 1', values)  # noqa: S608
        return cursor.fetchone() is not None


def _covers_month(hold: LegalHold, month: ColdMonth) -> bool:
    if (hold.since is not None or hold.until is not None) and not _in_time(hold, *_range(month)):
        return False
    return hold.pseudonym is None or holds_person(paths_of(month), hold.pseudonym)


def _in_time(hold: LegalHold, start: date | None, end: date | None) -> bool:
    before = hold.until is not None and start is not None and hold.until <= start
    after = hold.since is not None and end is not None and hold.since >= end
    return not (before or after)


def _range(month: ColdMonth) -> tuple[date | None, date]:
    """The first day in a cold month (None: nobody knows), and the first one behind it.

    It may be more than a month: what was recorded before there were monthly partitions is filed under its last one.
    """
    end = end_of(month.period)
    if month.first_id is None or month.last_id is None:  # blobs
        return _start_by_its_act(month), end
    return min(month.period, _day(month.first_id)), max(end, _day(month.last_id) + timedelta(days=1))


def _start_by_its_act(month: ColdMonth) -> date | None:
    """Where the partition began, as the act of its drop says it; None where it has no beginning, or none is said."""
    act = act_anywhere(month.drop_event)
    said = None if act is None else orjson.loads(bytes(act.body)).get("start")
    return None if said is None else date.fromisoformat(said)


def _day(event_id: UUID) -> date:
    """The day of a UUIDv7 (RFC 9562, section 5.7)."""
    return from_ms(event_id.int >> 80).date()
