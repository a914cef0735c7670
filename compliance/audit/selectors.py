"""Reads from the audit trail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

import orjson

from compliance.audit.canonical import digest
from compliance.audit.keys.errors import KeyErased
from compliance.audit.keys.selectors import erased_among, key_of, keys_of
from compliance.audit.models import AuditEvent, Blob, ColdMonth, ServeKey, ServeRecord
from compliance.audit.storage.compact import Clear, open_document
from compliance.audit.storage.inputs import InputsBroken, read_inputs
from compliance.audit.storage.items import Looks
from compliance.audit.storage.packing import unpack_bytes
from compliance.audit.storage.partitions import Month
from compliance.audit.storage.sealing import is_sealed, open_sealed
from compliance.subjects.models import Subject
from ranking.serving import snapshot
from ranking.serving.types import RankInputs


def record_for_key(*, pseudonym: UUID, key: str) -> ServeRecord | None:
    """The record that already answered an idempotency key."""
    found = ServeKey.objects.filter(pseudonym=pseudonym, key=key).values_list("record_id", flat=True).first()
    return record_anywhere(found) if found else None


def record_anywhere(serve_id: UUID) -> ServeRecord | None:
    """A serve record, in the database or in the cold tier; None where it is in neither, or past its retention."""
    found = ServeRecord.objects.filter(id=serve_id).first()
    if found is None and ColdMonth.objects.filter(table="records", first_id__lte=serve_id, last_id__gte=serve_id):
        from compliance.audit.cold.selectors import cold_record  # DuckDB: only for what is not in the database

        return cold_record(serve_id)
    return found


def act_anywhere(event_id: UUID) -> AuditEvent | None:
    """An act, in the database or in the cold tier; None where it is in neither, or past its retention."""
    found = AuditEvent.objects.filter(id=event_id).first()
    if found is None and ColdMonth.objects.filter(table="acts", first_id__lte=event_id, last_id__gte=event_id):
        from compliance.audit.cold.selectors import cold_act

        return cold_act(event_id)
    return found


def acts_of_kind(kind: str, *, limit: int) -> list[AuditEvent]:
    """Acts of a kind that are about nobody, newest first: in the database and in the cold tier. Raises ColdDamaged."""
    found = {act.id: act for act in AuditEvent.objects.filter(kind=kind, pseudonym=None).order_by("-id")[:limit]}
    found |= {act.id: act for act in cold_acts_of_kind(kind)}  # read second: months only ever move there
    return [found[each] for each in sorted(found, reverse=True)[:limit]]


def cold_acts_of_kind(kind: str) -> Iterator[AuditEvent]:
    """Those of the cold tier alone, newest first, looked for when the first is asked for. Raises ColdDamaged."""
    if ColdMonth.objects.filter(table="acts", expired_at=None, kinds__contains=[kind]).exists():
        from compliance.audit.cold.selectors import cold_acts

        yield from cold_acts(kind)


def record_of(*, subject: Subject, serve_id: UUID) -> dict[str, Any]:
    """A subject's own record as its document. Raises ServeRecord.DoesNotExist for anybody else's."""
    found = record_anywhere(serve_id)
    if found is None or found.pseudonym != subject.pseudonym:
        raise ServeRecord.DoesNotExist(f"There is no serve record {serve_id} of this subject.")
    return document_of(found)


def document_of(record: ServeRecord | AuditEvent) -> dict[str, Any]:
    """The document in a record's or an event's bytes, opened with its person's key.

    Raises KeyErased, KeyMissing, SealBroken.
    """
    return opened(record, key_of_record(record))


def documents_of(records: Iterable[ServeRecord]) -> Iterator[tuple[ServeRecord, dict[str, Any]]]:
    """Each record with its document, without those whose key was destroyed: one look for all keys."""
    listed = list(records)
    sealed = [is_sealed(bytes(record.body)) for record in listed]
    keys = keys_of({record.pseudonym for record, closed in zip(listed, sealed, strict=True) if closed})
    clear = {record.pseudonym for record, closed in zip(listed, sealed, strict=True) if not closed}
    erased = erased_among(clear) if clear else frozenset()  # of before release 0.2.0 only
    for record, closed in zip(listed, sealed, strict=True):
        if record.pseudonym in keys if closed else record.pseudonym not in erased:
            yield record, opened(record, keys.get(record.pseudonym, b""))


def key_of_record(record: ServeRecord | AuditEvent) -> bytes:
    """The key that opens a record or an event; empty where none is needed. Raises KeyErased, KeyMissing."""
    if record.pseudonym is None:
        return b""
    if not is_sealed(bytes(record.body)):  # of before release 0.2.0
        if erased := erased_among([record.pseudonym]):
            raise KeyErased(erased)
        return b""
    return key_of(record.pseudonym)


def opened(record: ServeRecord | AuditEvent, key: bytes) -> dict[str, Any]:
    """The document of a record whose key is at hand. Raises SealBroken, and what bytes of another form raise."""
    body = bytes(record.body)
    if is_sealed(body) and isinstance(record, ServeRecord) and not record.source:
        clear = Clear(id=record.id, pseudonym=record.pseudonym, model_sha256=record.model)
        return open_document(key, clear, body)
    document: dict[str, Any] = orjson.loads(open_sealed(key, record.id, body) if is_sealed(body) else body)
    return document


def inputs_of(record: ServeRecord, document: dict[str, Any], key: bytes, *, looks: Looks | None = None) -> RankInputs:
    """The inputs of a slate. Raises InputsBroken, ItemsBroken, SealBroken, saying what is missing or changed.

    Who reads many gives `looks`, so that each version of an item is read once.
    """
    if "inputs" in document:
        month = Month.of_id(record.id)
        sha256 = document["model_sha256"]
        return read_inputs(document["inputs"], key=key, month=month, model_sha256=sha256, looks=looks)
    address = document["snapshot_sha256"]  # of before release 0.2.0
    content = blob(address)
    if content is None:
        raise InputsBroken(f"The feature snapshot {address} is missing.")
    if digest(content) != address:
        raise InputsBroken(f"The feature snapshot {address} does not hash to its address.")
    return snapshot.inputs_of(orjson.loads(content))


def blob(sha256: str) -> bytes | None:
    """Clear content-addressed bytes; whether they still hash to their address is for the caller to check."""
    row = Blob.objects.filter(sha256=sha256).values_list("content", flat=True).first()
    return None if row is None else unpack_bytes(bytes(row))
