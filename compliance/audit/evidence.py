"""Receipts and evidence bundles of single events: what a person, a regulator or a court checks without us."""

from __future__ import annotations

from uuid import UUID

from compliance.audit.log.batch import BatchRefused, inner_proof
from compliance.audit.log.evidence import Evidence, evidence_bundle
from compliance.audit.log.note import NoteRefused
from compliance.audit.log.receipt import Receipt, ReceiptRefused
from compliance.audit.log.tree import NotProved
from compliance.audit.models import AuditEvent, LogCheckpoint, LogEntry, ServeRecord
from compliance.audit.sequencer import LogPlace


class NotProven(LookupError):
    """There is no such event, or no checkpoint covers it yet."""


def receipt_of(place: LogPlace, event_id: UUID) -> str:
    """The receipt (.tlog-proof) of an event under the newest checkpoint. Raises NotProven."""
    return _receipt(place, _entry(event_id)).text()


def bundle_of(place: LogPlace, event_id: UUID) -> bytes:
    """Everything an auditor needs to check one event offline, as a zip. Raises NotProven."""
    entry = _entry(event_id)
    row = ServeRecord.objects.filter(id=event_id).first() or AuditEvent.objects.filter(id=event_id).first()
    if row is None:
        raise NotProven(f"Event {event_id} is in the log, but its record is gone: run `manage.py audit verify`.")
    whole = Evidence(
        record=bytes(row.body),
        event_id=event_id,
        salt=bytes(row.salt),
        inner=inner_proof(_batch(entry.leaf), entry.place),
        receipt=_receipt(place, entry),
    )
    try:
        return evidence_bundle(whole, log=place.verifier)
    except (BatchRefused, NotProved, NoteRefused, ReceiptRefused) as error:
        raise NotProven(f"What is on record of event {event_id} does not hold: {error} Run `audit verify`.") from error


def _entry(event_id: UUID) -> LogEntry:
    entry = LogEntry.objects.filter(event_id=event_id).first()
    if entry is None:
        raise NotProven(
            f"Event {event_id} is not in the log: either there is none of this id, or it waits for its place, which "
            "takes up to 60 seconds. Try again then."
        )
    return entry


def _batch(leaf: int) -> list[bytes]:
    digests = LogEntry.objects.filter(leaf=leaf).order_by("place").values_list("digest", flat=True)
    return [bytes(digest) for digest in digests]


def _receipt(place: LogPlace, entry: LogEntry) -> Receipt:
    head = LogCheckpoint.objects.order_by("-size").first()
    if head is None or head.size <= entry.leaf:
        raise NotProven(f"Event {entry.event_id} waits for the next checkpoint: try again in 60 seconds.")
    path = place.tiles.inclusion_proof(entry.leaf, head.size)
    return Receipt(index=entry.leaf, path=tuple(path), checkpoint=head.note)
