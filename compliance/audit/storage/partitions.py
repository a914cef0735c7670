"""Monthly partitions of records, events and sealed blobs: made ahead, so that no request ever waits for one.

A row whose month has no partition is refused by PostgreSQL, and nothing is served then: no record, no slate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction

MONTHS_AHEAD: Final = 13
BY_ID: Final = ("audit_serverecord", "audit_auditevent")
BY_PERIOD: Final = ("audit_sealedblob",)


@dataclass(frozen=True, kw_only=True)
class Month:
    """A calendar month in UTC."""

    year: int
    month: int

    @classmethod
    def of(cls, moment: datetime | date) -> Month:
        """The month that a moment lies in."""
        if isinstance(moment, datetime):
            moment = moment.astimezone(UTC)
        return cls(year=moment.year, month=moment.month)

    @classmethod
    def of_id(cls, event_id: UUID) -> Month:
        """The month in which a UUIDv7 was made, by its own clock (RFC 9562, section 5.7)."""
        return cls.of(datetime.fromtimestamp((event_id.int >> 80) / 1000, UTC))

    def plus(self, months: int) -> Month:
        """The month so many later (or earlier)."""
        years, month = divmod(self.year * 12 + self.month - 1 + months, 12)
        return Month(year=years, month=month + 1)

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, self.month, 1)

    @property
    def first_id(self) -> UUID:
        """The least UUIDv7 of this month, or a value just below it."""
        start = datetime(self.year, self.month, 1, tzinfo=UTC)
        return UUID(int=int(start.timestamp() * 1000) << 80)

    def partition(self, table: str) -> str:
        """The name of its partition."""
        return f"{table}_{self.year}_{self.month:02d}"


@transaction.atomic
def make_ahead(*, now: datetime, months: int = MONTHS_AHEAD) -> list[str]:
    """Make the partitions of last month up to so many months ahead; return the names of those that were not there.

    Attaching locks no reader and no writer out (PostgreSQL 18, ALTER TABLE, SHARE UPDATE EXCLUSIVE).
    """
    this = Month.of(now)
    made = []
    for table in (*BY_ID, *BY_PERIOD):
        covered = _covered_until(table)
        ahead = [this.plus(number) for number in range(-1, months + 1)]
        due = [month for month in ahead if covered is None or month.first >= covered.first]
        made += [month.partition(table) for month in due if _make(table, month)]
    return made


def months_of(table: str) -> Iterator[Month]:
    """The months that have a partition, oldest first."""
    for name in _partitions(table):
        if found := re.fullmatch(rf"{table}_(\d{{4}})_(\d{{2}})", name):
            yield Month(year=int(found[1]), month=int(found[2]))


def _make(table: str, month: Month) -> bool:
    name = month.partition(table)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [name])
        if cursor.fetchone()[0]:
            return False
        start, end = _bounds(table, month)
        cursor.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)")
        cursor.execute(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{start}') TO ('{end}')")
    return True


def _bounds(table: str, month: Month) -> tuple[str, str]:
    after = month.plus(1)
    if table in BY_ID:
        return str(month.first_id), str(after.first_id)
    return str(month.first), str(after.first)


def _covered_until(table: str) -> Month | None:
    """The month from which on there are monthly partitions: what is older lies in one table, as it was before."""
    for name in _partitions(table):
        if found := re.fullmatch(rf"{table}_before_(\d{{4}})_(\d{{2}})", name):
            return Month(year=int(found[1]), month=int(found[2]))
    return None


def _partitions(table: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = %s::regclass ORDER BY c.relname",
            [table],
        )
        return [name for (name,) in cursor.fetchall()]
