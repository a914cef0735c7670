"""Reads that find a row wherever it lies: in PostgreSQL, or in the cold tier's files.

Rows from the cold tier come back as unsaved instances of the hot tables' models, with the same bytes, so that callers
need not know. What is asked of DuckDB is bound to it as values; which files are read follows from the month in an id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from compliance.audit.cold import queries
from compliance.audit.cold.place import cold_store
from compliance.audit.cold.schema import ACTS, BLOBS, RECORDS, ColdTable
from compliance.audit.models import AuditEvent, ColdMonth, SealedBlob, ServeRecord
from ranking.catalogue.clock import to_ms

APART: Final = timedelta(days=1)
"""How far an id's clock may be from what its record says."""

Row = TypeVar("Row", bound=Model)

_BYTES: Final = ("body", "salt", "content", "address", "model_sha256")
_IDS: Final = ("id", "pseudonym")


def cold_record(serve_id: UUID) -> ServeRecord | None:
    """A serve record of the cold tier. Raises ColdDamaged."""
    return _by_id(RECORDS, ServeRecord, serve_id)


def cold_act(event_id: UUID) -> AuditEvent | None:
    """An act of the cold tier. Raises ColdDamaged."""
    return _by_id(ACTS, AuditEvent, event_id)


def find_blob(address: bytes, *, period: date | None = None) -> bytes | None:
    """A sealed blob's content by its address, hot or cold; of one month where the record's month is known."""
    hot = SealedBlob.objects.filter(address=address)
    months = _months(BLOBS)
    if period is not None:
        hot, months = hot.filter(period=period), months.filter(period=period)
    content = hot.values_list("content", flat=True).first()
    if content is not None:
        return bytes(content)
    found = queries.by_key(_paths(months), BLOBS, [address])
    return bytes(found["content"][0].as_py()) if found.num_rows else None


def records_of(pseudonym: UUID) -> Iterator[ServeRecord]:
    """All of one person's serve records, oldest first: cold, then hot (GDPR Art. 15)."""
    yield from (_row(ServeRecord, each) for each in _of_person(RECORDS, pseudonym))
    yield from ServeRecord.objects.filter(pseudonym=pseudonym).order_by("id").iterator(chunk_size=500)


def acts_of(pseudonym: UUID) -> Iterator[AuditEvent]:
    """All acts about one person, oldest first: cold, then hot."""
    yield from (_row(AuditEvent, each) for each in _of_person(ACTS, pseudonym))
    yield from AuditEvent.objects.filter(pseudonym=pseudonym).order_by("id").iterator(chunk_size=500)


def cold_acts(kind: str) -> list[AuditEvent]:
    """Cold acts of a kind that are about nobody, newest first. Raises ColdDamaged."""
    months = _months(ACTS).filter(kinds__contains=[kind])
    return [_row(AuditEvent, each) for each in queries.of_kind(_paths(months), kind).to_pylist()]


def cold_page(
    first: UUID, last: UUID, clear: Mapping[str, str | bytes], *, after: UUID | None, limit: int
) -> list[ServeRecord]:
    """Cold records with ids in [first, last), behind `after`, in the order of ids: clear columns, not their bytes."""
    months = _months(RECORDS).filter(first_id__lt=last, last_id__gte=max(first, after or first))
    found = queries.between(_paths(months), first, last, clear, after=after, limit=limit).to_pylist()
    return [_row(ServeRecord, each) for each in found]


def counts(by: Sequence[str], *, since: datetime | None = None, until: datetime | None = None) -> list[dict[str, Any]]:
    """How many cold records there are by clear columns, the most first. Raises queries.NotCounted, ColdDamaged."""
    months = _months(RECORDS)
    if since is not None:
        months = months.filter(last_id__gte=_id_at(since - APART))
    if until is not None:
        months = months.filter(first_id__lt=_id_at(until + APART))
    return queries.counts(_paths(months), by, since=since, until=until)


def _id_at(moment: datetime) -> UUID:
    return UUID(int=max(0, to_ms(moment)) << 80)


def cold_ids(table: ColdTable, ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """The cold rows with these ids, as dicts; ids that are nowhere are left out."""
    if not ids:
        return []
    months = _months(table).filter(first_id__lte=max(ids), last_id__gte=min(ids))
    found: list[dict[str, Any]] = queries.by_key(_paths(months), table, ids).to_pylist()
    return found


def paths_of(month: ColdMonth) -> list[Path]:
    """A month's files on this machine. Raises ColdDamaged."""
    store = cold_store()
    return [store.local(each["name"], each["sha256"]) for each in month.files]


def _of_person(table: ColdTable, pseudonym: UUID) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = queries.of_person(_paths(_months(table)), table, pseudonym).to_pylist()
    return found


def _by_id(table: ColdTable, model: type[Row], wanted: UUID) -> Row | None:
    found = cold_ids(table, [wanted])
    return _row(model, found[0]) if found else None


def _months(table: ColdTable) -> QuerySet[ColdMonth]:
    return ColdMonth.objects.filter(table=table.name, expired_at=None).order_by("period")


def _paths(months: QuerySet[ColdMonth]) -> list[Path]:
    return [path for month in months for path in paths_of(month)]


def _row(model: type[Row], found: Mapping[str, Any]) -> Row:
    names = [each.attname for each in model._meta.concrete_fields if each.attname in found]
    return model.from_db("default", names, [_value(name, found[name]) for name in names])


def _value(name: str, value: Any) -> Any:
    if value is None:
        return None
    return UUID(str(value)) if name in _IDS else bytes(value) if name in _BYTES else value
