"""Serve records for auditors: pages by clear columns, and one record with its document."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from psycopg.errors import QueryCanceled

from compliance.audit import selectors
from compliance.audit.keys.errors import KeyBroken, KeyErased, KeyMissing
from compliance.audit.keys.selectors import erased_among
from compliance.audit.models import ColdMonth, LogEntry, ServeRecord
from compliance.audit.storage.sealing import SealBroken
from ranking.catalogue.clock import to_ms

PATIENCE_MS: Final = 1_500
"""How long the database may look for what was asked."""

Document = dict[str, Any]


class TooBroad(Exception):
    """A question that takes the database too long."""

    def __init__(self) -> None:
        super().__init__(
            f"This question takes the database more than {PATIENCE_MS / 1000:g} seconds, so it was stopped. Narrow it "
            "with `from` and `to`, or ask with fewer filters."
        )


class DoesNotOpen(Exception):
    """A record's stored bytes do not open, though its person was not erased: they, or the key, were changed or lost."""


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Clear columns that records are asked by; None: any. `start` and `end` (exclusive) are of the id's own clock."""

    service: str | None = None
    source: str | None = None
    surface: str | None = None
    feed_mode: str | None = None
    tier: str | None = None
    jurisdiction: str | None = None
    model: str | None = None  # 64 hexadecimal digits
    start: datetime | None = None
    end: datetime | None = None

    def columns(self) -> dict[str, Any]:
        """The columns that must have a value, as the table has them."""
        names = ("service", "source", "surface", "feed_mode", "tier", "jurisdiction")
        asked = {name: value for name in names if (value := getattr(self, name)) is not None}
        return asked if self.model is None else {**asked, "model_sha256": bytes.fromhex(self.model)}

    def ids(self) -> tuple[UUID, UUID]:
        """The range of ids, [first, last), which names the partitions that are looked into."""
        last = UUID(int=2**128 - 1) if self.end is None else first_id(self.end)
        return UUID(int=0) if self.start is None else first_id(self.start), last


def first_id(moment: datetime) -> UUID:
    """The least id that an event of this moment can have (UUIDv7, RFC 9562, section 5.7)."""
    return UUID(int=to_ms(moment) << 80)


@contextmanager
def in_time() -> Iterator[None]:
    """Stop the database after PATIENCE_MS. Raises TooBroad."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = {PATIENCE_MS}")
            yield
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout = DEFAULT")  # a transaction around this one goes on
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TooBroad from error
        raise


def page(filters: Filters, *, after: UUID | None, limit: int) -> list[Document]:
    """Up to `limit` records' clear columns, in the order of their ids, from behind `after` on. Raises TooBroad."""
    first, last = filters.ids()
    found: QuerySet[ServeRecord] = ServeRecord.objects.filter(id__gte=first, id__lt=last, **filters.columns())
    if after is not None:
        found = found.filter(id__gt=after)
    with in_time():
        hot = list(found.defer("body", "salt").order_by("id")[:limit])
    return summaries(_with_cold(hot, filters, after, limit))


def _with_cold(hot: list[ServeRecord], filters: Filters, after: UUID | None, limit: int) -> list[ServeRecord]:
    """The page with what lies in the cold tier: it is older, but a month that is held may stay among younger ones."""
    first, last = filters.ids()
    if not ColdMonth.objects.filter(table="records", expired_at=None, first_id__lt=last, last_id__gte=first):
        return hot
    from compliance.audit.cold.selectors import cold_page  # DuckDB: only for what is not in the database

    cold = cold_page(first, last, filters.columns(), after=after, limit=limit)
    return sorted([*cold, *hot], key=lambda record: record.id)[:limit]


def summaries(records: list[ServeRecord]) -> list[Document]:
    """Clear columns, the leaf of the log, and whether the person was erased. No pseudonyms: a page is of nobody."""
    erased = erased_among(record.pseudonym for record in records)
    ids = [record.id for record in records]
    leaves = dict(LogEntry.objects.filter(event_id__in=ids).values_list("event_id", "leaf"))
    return [_summary(record, leaves.get(record.id), record.pseudonym in erased) for record in records]


def record_of(record_id: UUID) -> ServeRecord:
    """A record, in the database or in the cold tier. Raises ServeRecord.DoesNotExist."""
    found = selectors.record_anywhere(record_id)
    if found is None:
        raise ServeRecord.DoesNotExist(f"There is no serve record {record_id}.")
    return found


def document_of(record: ServeRecord) -> Document:
    """The document, opened with its person's key. Raises KeyErased, DoesNotOpen, VaultRefused."""
    try:
        return selectors.document_of(record)
    except KeyErased:
        raise
    except (KeyBroken, KeyMissing, SealBroken, ValueError) as error:
        raise DoesNotOpen(
            f"What is stored of record {record.id} does not open: {error} Its proof says whether these are the bytes "
            "that were logged; the operator has to run `manage.py audit verify`."
        ) from error


def _summary(record: ServeRecord, leaf: int | None, erased: bool) -> Document:
    return {
        "id": str(record.id),
        "service": record.service,
        "source": record.source,
        "served_at_ms": to_ms(record.served_at),
        "surface": record.surface,
        "feed_mode": record.feed_mode,
        "tier": record.tier,
        "jurisdiction": record.jurisdiction,
        "model_sha256": record.model,
        "leaf": leaf,
        "erased": erased,
    }
