"""Every record and event against its own bytes: do they open, and do the clear columns say what the bytes say?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice
from typing import Any, Final, TypeVar
from uuid import UUID

from compliance.audit.columns import column_differences
from compliance.audit.keys.selectors import erased_among, keys_of
from compliance.audit.models import AuditEvent, ServeRecord
from compliance.audit.selectors import opened
from compliance.audit.storage.partitions import Month
from compliance.audit.storage.sealing import SealBroken, is_sealed
from ranking.catalogue.clock import to_ms

AT_ONCE: Final = 2_000

Faults = Iterator[str]
Document = dict[str, Any]
AnyRow = TypeVar("AnyRow", ServeRecord, AuditEvent)


class Needed:
    """Which blobs the records that were read need, and whose they are."""

    def __init__(self) -> None:
        self.clear: dict[str, str] = {}  # SHA-256 -> what needs it
        self.sealed: dict[tuple[date, str], str] = {}  # (period, address) -> what needs it
        self.owners: dict[tuple[date, str], UUID] = {}  # of sealed ones: whose key opens them

    def add(self, record: ServeRecord, document: Document) -> None:
        """Note what one record names. Raises KeyError, TypeError for a document of another form."""
        whose = f"serve record {record.id}"
        self.clear[document["policy_sha256"]] = f"{whose}: its policy pack"
        if "inputs" not in document:
            self.clear[document["snapshot_sha256"]] = f"{whose}: its feature snapshot"
            return
        period = Month.of_id(record.id).first
        snapshot = document["inputs"]["snapshot"]
        self.sealed[period, snapshot] = f"{whose}: its feature snapshot"
        self.owners[period, snapshot] = record.pseudonym


def records(needed: Needed) -> Faults:
    """Name every serve record that does not open or whose columns say something else."""
    for record, document, fault in _opened(ServeRecord.objects.iterator(chunk_size=AT_ONCE), "serve record"):
        if fault:
            yield fault
        if document is None:
            continue
        try:
            for name, column, said in column_differences(record, document):
                yield f"serve record {record.id}: its column {name} says {column}, its bytes {said}"
            if not record.source:
                needed.add(record, document)
        except (LookupError, TypeError, AttributeError):
            yield f"serve record {record.id}: its bytes are no serve record"


def acts() -> Faults:
    """Name every other event that does not open or whose columns say something else."""
    for event, document, fault in _opened(AuditEvent.objects.iterator(chunk_size=AT_ONCE), "audit event"):
        if fault:
            yield fault
        if document is None:
            continue
        try:
            recorded = (document["id"], document["kind"], document["happened_ms"])
        except (LookupError, TypeError):
            yield f"audit event {event.id}: its bytes are no audit event"
            continue
        if recorded != (str(event.id), event.kind, to_ms(event.happened_at)):
            yield f"audit event {event.id}: its columns are not what its bytes say"


def _owner(row: ServeRecord | AuditEvent) -> UUID | None:
    return row.pseudonym


def _opened(rows: Iterable[AnyRow], what: str) -> Iterator[tuple[AnyRow, Document | None, str]]:
    """Each row with its document, or None where there is none to read, and the fault, if that is one.

    What was sealed for somebody who was erased does not open, and should not.
    """
    waiting = iter(rows)
    while chunk := list(islice(waiting, AT_ONCE)):
        sealed = [row for row in chunk if is_sealed(bytes(row.body))]
        whose = {owner for owner in map(_owner, sealed) if owner is not None}
        keys = keys_of(whose)
        erased = erased_among(whose - keys.keys())
        for row in chunk:
            if not is_sealed(bytes(row.body)):
                key = b""
            elif row.pseudonym in keys:
                key = keys[row.pseudonym]
            elif row.pseudonym in erased:
                yield row, None, ""
                continue
            else:
                yield row, None, f"{what} {row.id} is sealed with a key that is gone, though nobody was erased"
                continue
            try:
                yield row, opened(row, key), ""
            except SealBroken as error:
                yield row, None, f"{what} {row.id}: {error}"
            except ValueError:
                yield row, None, f"{what} {row.id}: its bytes are no document"
