"""Every record and event against its leaf and its own bytes: as logged, to be opened, its columns as they say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from compliance.audit.columns import column_differences
from compliance.audit.events import SERVE
from compliance.audit.keys.selectors import erased_among
from compliance.audit.models import AuditEvent, ServeRecord
from compliance.audit.selectors import opened
from compliance.audit.storage.partitions import Month
from compliance.audit.storage.sealing import SealBroken, is_sealed
from compliance.audit.verification.events import as_logged, unlogged
from compliance.audit.verification.keys import readable_keys
from compliance.audit.verification.rows import FIRST, LAST, pages
from compliance.audit.verification.tally import Progress, Tally, silent
from ranking.catalogue.clock import from_ms

Faults = Iterator[str]
Document = dict[str, Any]


class Needed:
    """Which blobs the records that were read need, and whose they are."""

    def __init__(self) -> None:
        self.clear: dict[str, str] = {}  # SHA-256 -> what needs it
        self.sealed: dict[tuple[date, str], str] = {}  # (period, address) -> what needs it
        self.owners: dict[tuple[date, str], UUID] = {}  # of sealed ones: whose key opens them
        self.models: dict[str, str] = {}  # address -> what needs it

    def merge(self, other: Needed) -> None:
        """Add what another part of the records needs."""
        self.clear |= other.clear
        self.sealed |= other.sealed
        self.owners |= other.owners
        self.models |= other.models

    def add(self, record: ServeRecord, document: Document) -> None:
        """Note what one record names. Raises KeyError, TypeError for a document of another form."""
        whose = f"serve record {record.id}"
        self.clear[document["policy_sha256"]] = f"{whose}: its policy pack"
        if document["model_sha256"]:
            self.models.setdefault(document["model_sha256"], whose)
        if "inputs" not in document:
            self.clear[document["snapshot_sha256"]] = f"{whose}: its feature snapshot"
            return
        period = Month.of_id(record.id).first
        snapshot = document["inputs"]["snapshot"]
        self.sealed[period, snapshot] = f"{whose}: its feature snapshot"
        self.owners[period, snapshot] = record.pseudonym


def records(
    needed: Needed,
    now: datetime,
    tally: Tally,
    progress: Progress = silent,
    *,
    after: UUID = FIRST,
    until: UUID = LAST,
) -> Faults:
    """Name every serve record that is not as logged, does not open, or whose columns say something else."""
    for page in pages("audit_serverecord", columns_of(ServeRecord), after=after, until=until):
        rows = [ServeRecord(*values) for _, values in page]  # type: ignore[misc]  # in the order of `columns_of`
        for (leaf, _), row in zip(page, rows, strict=True):
            if not as_logged(leaf, row.id, SERVE, bytes(row.salt), bytes(row.body)):
                yield from unlogged("serve record", leaf, row.id, SERVE, now, tally, late=bool(row.source))
        yield from said_by_records(rows, needed)
        tally.records += len(page)
        progress("serve records", tally.records)


def said_by_records(rows: Sequence[ServeRecord], needed: Needed) -> Faults:
    """Name the records that do not open, or say something else than their columns; add what the others need."""
    people = _People(rows)
    for record in rows:
        try:
            document = people.opened(record, record.pseudonym)
        except _Closed as why:
            yield f"serve record {record.id}{why}"
            continue
        if document is not None:
            yield from _record(record, document, needed)


def _record(record: ServeRecord, document: Document, needed: Needed) -> Faults:
    try:
        for name, column, said in column_differences(record, document):
            yield f"serve record {record.id}: its column {name} says {column}, its bytes {said}"
        if not record.source:
            needed.add(record, document)
    except (LookupError, TypeError, AttributeError):
        yield f"serve record {record.id}: its bytes are no serve record"


def acts(now: datetime, tally: Tally, progress: Progress = silent) -> Faults:
    """Name every other event that is not as logged, does not open, or whose columns say something else."""
    for page in pages("audit_auditevent", columns_of(AuditEvent)):
        rows = [AuditEvent(*values) for _, values in page]  # type: ignore[misc]  # in the order of `columns_of`
        for (leaf, _), act in zip(page, rows, strict=True):
            if not as_logged(leaf, act.id, act.kind, bytes(act.salt), bytes(act.body)):
                yield from unlogged("audit event", leaf, act.id, act.kind, now, tally, late=False)
        yield from said_by_acts(rows)
        tally.acts += len(page)
        progress("other events", tally.acts)


def said_by_acts(rows: Sequence[AuditEvent]) -> Faults:
    """Name the acts that do not open, or say something else than their columns."""
    people = _People(rows)
    for act in rows:
        try:
            document = people.opened(act, act.pseudonym)
        except _Closed as why:
            yield f"audit event {act.id}{why}"
            continue
        if document is not None:
            yield from _act(act, document)


def _act(event: AuditEvent, document: Document) -> Faults:
    if event.pseudonym is not None and not is_sealed(bytes(event.body)):
        yield f"audit event {event.id}: its column pseudonym says {event.pseudonym}, its bytes nobody"
    try:
        recorded = (document["id"], document["kind"], from_ms(document["happened_ms"]))
    except (ArithmeticError, LookupError, TypeError):
        yield f"audit event {event.id}: its bytes are no audit event"
        return
    if recorded != (str(event.id), event.kind, event.happened_at):
        yield f"audit event {event.id}: its columns are not what its bytes say"


class _Closed(Exception):
    """Why a row cannot be read, though it should be."""


class _People:
    """The keys of everybody whose rows these are, and who of them was erased: two statements."""

    def __init__(self, rows: Sequence[ServeRecord] | Sequence[AuditEvent]) -> None:
        whose = {row.pseudonym for row in rows if row.pseudonym is not None and is_sealed(bytes(row.body))}
        self._keys, self._broken = readable_keys(whose)
        self._erased = erased_among(whose - self._keys.keys() - self._broken.keys())

    def opened(self, row: ServeRecord | AuditEvent, owner: UUID | None) -> Document | None:
        """A row's document; None for what was sealed for somebody who was erased: it does not open, and should not.

        Raises _Closed.
        """
        key = b"" if owner is None else self._keys.get(owner, b"")
        if not key and is_sealed(bytes(row.body)):
            if owner in self._erased:
                return None
            if owner in self._broken:
                raise _Closed(f" does not open: {self._broken[owner]}")
            raise _Closed(" is sealed with a key that is gone, though nobody was erased")
        try:
            return opened(row, key)
        except SealBroken as error:
            raise _Closed(f": {error}") from error
        except (LookupError, TypeError, ValueError) as error:
            raise _Closed(": its bytes are no document") from error


def columns_of(model: type[ServeRecord | AuditEvent]) -> list[str]:
    """A table's columns in the order in which its model takes them."""
    return [str(field.column) for field in model._meta.concrete_fields]
