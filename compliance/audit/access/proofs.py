"""What an auditor checks without us: commitments, receipts, evidence bundles, and how the log is kept."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured

from compliance.audit import evidence
from compliance.audit.delay import MERGE_DELAY
from compliance.audit.heads import LogForked, LogPlace, newest
from compliance.audit.log.commitment import SaltRefused, commit
from compliance.audit.log.note import Checkpoint
from compliance.audit.models import LogEntry, LogQueue, ServeRecord
from compliance.audit.place import log_place
from compliance.audit.selectors import act_anywhere
from compliance.audit.storage.sealing import is_sealed
from compliance.audit.witnessing.policy import witness_policy
from compliance.audit.witnessing.selectors import cosigners_of

Document = dict[str, Any]


class NoSuchEvent(LookupError):
    """No event of this id is on record."""


class ActWithheld(PermissionError):
    """The bytes of an act name people who work here, or what another auditor looked at."""

    def __init__(self) -> None:
        super().__init__(
            "This is an act and no record: its bytes name who did it, so nothing is shown without the scope `acts`. "
            "Its proof can be read as every other."
        )


class NotSigned(LookupError):
    """Nobody has signed the log yet, or what is signed contradicts itself."""


def log() -> LogPlace:
    """The log as its readers see it. Raises NotSigned."""
    try:
        return log_place()
    except ImproperlyConfigured as error:
        raise NotSigned("Nobody has signed the audit log yet, so nothing is proved. Try again in a minute.") from error


def head(place: LogPlace) -> tuple[Checkpoint, str] | None:
    """The newest checkpoint and its note. Raises NotSigned."""
    try:
        return newest(place)
    except LogForked as error:
        raise NotSigned(str(error)) from error


def proof_of(event_id: UUID) -> Document:
    """The receipt of an event under the newest checkpoint. Raises NoSuchEvent, NotSigned, evidence.NotProven."""
    _check_known(event_id)
    place = log()
    receipt = evidence.receipt_of(place, event_id)
    checkpoint = receipt.partition("\n\n")[2]
    return {
        "event_id": str(event_id),
        "receipt": receipt,
        "checkpoint": checkpoint,
        "size": place.head(checkpoint).size,
        "vkey": place.verifier.encode(),
    }


def evidence_of(event_id: UUID, *, acts: bool) -> Document:
    """The evidence bundle of an event, a zip in base64; of an act that is not sealed only where `acts` may be read.

    Raises NoSuchEvent, ActWithheld, NotSigned, evidence.NotProven.
    """
    _check_known(event_id)
    if not acts and (act := act_anywhere(event_id)) is not None and not is_sealed(bytes(act.body)):
        raise ActWithheld
    place = log()
    content = evidence.bundle_of(place, event_id)
    return {
        "event_id": str(event_id),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "zip_base64": b64encode(content).decode(),
        "vkey": place.verifier.encode(),
        "verify": "python verify_evidence.py evidence.zip VKEY",
    }


def commitment_of(record: ServeRecord) -> Document:
    """What the log holds of a record, and whether the stored bytes are still those that it commits to."""
    entry = LogEntry.objects.filter(event_id=record.id).first()
    logged = entry or LogQueue.objects.filter(id=record.id).first()
    digest = None if logged is None else bytes(logged.digest)
    try:
        holds = commit(record.id, bytes(record.salt), bytes(record.body)) == digest
    except SaltRefused:
        holds = False
    return {
        "digest": None if digest is None else digest.hex(),
        "leaf": None if entry is None else entry.leaf,
        "place": None if entry is None else entry.place,
        "holds": holds,
    }


def receipt_or_none(event_id: UUID) -> str | None:
    """The receipt, or None while no checkpoint covers the event."""
    try:
        return evidence.receipt_of(log(), event_id)
    except (NotSigned, evidence.NotProven):
        return None


def log_description() -> Document:
    """The log's key, its newest checkpoint, what it promises, and who witnesses it. Raises NotSigned."""
    place, policy = log(), witness_policy()
    last = head(place)
    size = 0 if last is None else last[0].size
    return {
        "origin": place.verifier.name,
        "vkey": place.verifier.encode(),
        "size": size,
        "checkpoint": None if last is None else last[1],
        "cosigned_by": sorted(cosigners_of(size)) if size else [],
        "merge_delay_seconds": int(MERGE_DELAY.total_seconds()),
        "waiting": LogQueue.objects.count(),
        "tiles": "/log/",
        "witnesses": [each.key.encode() for each in policy.witnesses],
        "witnesses_needed": policy.needed,
        "second_checkpoint_store": place.second is not None,
    }


def _check_known(event_id: UUID) -> None:
    in_log = LogEntry.objects.filter(event_id=event_id).exists()
    if not in_log and not LogQueue.objects.filter(id=event_id).exists():
        raise NoSuchEvent(f"No event {event_id} is on record.")
