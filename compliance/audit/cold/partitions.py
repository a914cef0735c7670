"""The hot tables' monthly partitions as PostgreSQL has them: which there are, which months they hold, how large."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from django.db import connection

from compliance.audit.cold.schema import ACTS, BLOBS, RECORDS, ColdTable
from ranking.catalogue.clock import from_ms

HOT: Final[Mapping[str, str]] = {
    RECORDS.name: "audit_serverecord",
    ACTS.name: "audit_auditevent",
    BLOBS.name: "audit_sealedblob",
}
"""Which hot table a cold one comes from."""

_BOUND: Final = re.compile(r"FOR VALUES FROM \((?P<low>MINVALUE|'[^']+')\) TO \((?P<high>MAXVALUE|'[^']+')\)")


@dataclass(frozen=True, kw_only=True)
class Partition:
    """One attached partition. `start` None: from the beginning; `end` is exclusive, None: without end."""

    table: ColdTable
    name: str
    start: date | None
    end: date | None
    size: int  # bytes, with indexes and TOAST

    @property
    def period(self) -> date:
        """The first day of the last month in it, which is what it is filed under."""
        if self.end is None:
            raise ValueError(f"{self.name} has no end, so that it never closes: attach monthly partitions.")
        return (self.end - timedelta(days=1)).replace(day=1)

    def covers(self, period: date) -> bool:
        """Whether the month that begins on this day lies in it."""
        return (self.start is None or self.start <= period) and (self.end is None or period < self.end)

    def __str__(self) -> str:
        return f"{self.table.name} {'up to' if self.start is None else 'of'} {self.period:%Y-%m}"


def partitions(table: ColdTable) -> list[Partition]:
    """A table's attached partitions, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid), pg_total_relation_size(c.oid) FROM pg_inherits i "
            "JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = %s::regclass AND NOT i.inhdetachpending",
            [HOT[table.name]],
        )
        found = [_partition(table, *row) for row in cursor.fetchall()]
    return sorted((each for each in found if each is not None), key=lambda each: each.end or date.max)


def _partition(table: ColdTable, name: str, bound: str, size: int) -> Partition | None:
    matched = _BOUND.fullmatch(bound)
    if matched is None:
        return None  # a default partition: it holds no month
    return Partition(table=table, name=name, start=_day(matched["low"]), end=_day(matched["high"]), size=size)


def _day(bound: str) -> date | None:
    """The day that a bound stands for: a date, or the moment in a UUIDv7 (RFC 9562, section 5.7)."""
    if bound in ("MINVALUE", "MAXVALUE"):
        return None
    value = bound.strip("'")
    return date.fromisoformat(value) if len(value) == 10 else from_ms(UUID(value).int >> 80).date()
