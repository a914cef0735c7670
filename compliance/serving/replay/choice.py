"""Which records to replay: one, the latest, all since a moment, or a sample that anybody can draw again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final, TypeVar
from uuid import UUID

from django.db import connection

from compliance.audit.models import ServeRecord
from ranking.catalogue.clock import to_ms

AT_ONCE: Final = 200

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Window:
    """Records by when their ids were made (UUIDv7: milliseconds first), from `since` to before `until`."""

    since: datetime | None = None
    until: datetime | None = None

    @property
    def ids(self) -> tuple[UUID, UUID]:
        """The least id of the window, and the greatest."""
        last = UUID(int=2**128 - 1) if self.until is None else UUID(int=first_id(self.until).int - 1)
        return UUID(int=0) if self.since is None else first_id(self.since), last

    def count(self) -> int:
        """How many records lie in it."""
        return ServeRecord.objects.filter(id__range=self.ids).count()


def latest(number: int) -> Iterator[ServeRecord]:
    """The latest records, newest first."""
    return ServeRecord.objects.order_by("-id")[:number].iterator(chunk_size=AT_ONCE)


def every(window: Window) -> Iterator[ServeRecord]:
    """All records of a window, oldest first."""
    return ServeRecord.objects.filter(id__range=window.ids).order_by("id").iterator(chunk_size=AT_ONCE)


# A rule that needs no generator of ours; the seed is drawn after the ids were.
_SAMPLE: Final = """
SELECT id FROM audit_serverecord WHERE id BETWEEN %s AND %s
ORDER BY sha256(convert_to(%s || ':' || id::text, 'UTF8')) LIMIT %s
"""


def drawn(number: int, *, seed: str, window: Window) -> list[UUID]:
    """The ids of a window whose SHA-256 of "SEED:ID" is least, in the order of those hashes."""
    with connection.cursor() as cursor:
        cursor.execute(_SAMPLE, [*window.ids, seed, number])
        return [row[0] for row in cursor.fetchall()]


def by_ids(ids: list[UUID]) -> Iterator[ServeRecord]:
    """Records by their ids, in this order; those that are gone are left out."""
    for some in in_chunks(ids, AT_ONCE):
        rows = ServeRecord.objects.in_bulk(some)
        yield from (rows[one] for one in some if one in rows)


def in_chunks(things: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of so many things at most, in order."""
    waiting = iter(things)
    while chunk := list(islice(waiting, size)):
        yield chunk


def first_id(moment: datetime) -> UUID:
    """The least UUIDv7 of a moment's millisecond, or a value just below it."""
    return UUID(int=to_ms(moment) << 80)
