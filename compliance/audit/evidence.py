"""Receipts and evidence bundles of single events: what a person, a regulator or a court checks without us."""

from __future__ import annotations

from uuid import UUID

from compliance.audit.events import SERVE
from compliance.audit.heads import LogForked, LogPlace, newest_cosigned
from compliance.audit.log.batch import BatchRefused, inner_proof
from compliance.audit.log.commitment import SaltRefused
from compliance.audit.log.evidence import Evidence, evidence_bundle
from compliance.audit.log.note import NoteRefused
from compliance.audit.log.reading import LogDamaged
from compliance.audit.log.receipt import Receipt, ReceiptRefused
from compliance.audit.log.tree import NotProved
from compliance.audit.models import LogEntry
from compliance.audit.selectors import act_anywhere, record_anywhere
from compliance.audit.witnessing.policy import witness_policy


class NotProven(LookupError):
    """There is no such event, or no checkpoint covers it yet."""


def receipt_of(place: LogPlace, event_id: UUID) -> str:
    """The receipt (.tlog-proof) of an event under the newest checkpoint. Raises NotProven."""
    return _verified(place, event_id)[0].receipt.text()


def bundle_of(place: LogPlace, event_id: UUID) -> bytes:
    """Everything an auditor needs to check one event offline, as a zip. Raises NotProven."""
    return _verified(place, event_id)[1]


def _verified(place: LogPlace, event_id: UUID) -> tuple[Evidence, bytes]:
    """The evidence of an event and its bundle: nothing is handed out that does not hold."""
    entry = _entry(event_id)
    row = record_anywhere(event_id) if entry.kind == SERVE else act_anywhere(event_id)
    if row is None:
        raise NotProven(f"Event {event_id} is in the log, but its record is gone: run `manage.py audit verify`.")
    try:
        evidence = Evidence(
            record=bytes(row.body),
            event_id=event_id,
            salt=bytes(row.salt),
            inner=inner_proof(_batch(entry.leaf), entry.place),
            receipt=_receipt(place, entry),
        )
        return evidence, evidence_bundle(evidence, log=place.verifier)
    except (BatchRefused, LogDamaged, LogForked, NotProved, NoteRefused, ReceiptRefused, SaltRefused) as error:
        raise NotProven(
            f"What is on record of event {event_id} does not hold: {error} Run `manage.py audit verify`."
        ) from error


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
    last = newest_cosigned(place, witness_policy(), above=entry.leaf)
    if last is None or last[0].size <= entry.leaf:
        raise NotProven(f"Event {entry.event_id} waits for the next checkpoint: try again in 60 seconds.")
    path = place.tiles.inclusion_proof(entry.leaf, last[0].size)
    return Receipt(index=entry.leaf, path=tuple(path), checkpoint=last[1])
