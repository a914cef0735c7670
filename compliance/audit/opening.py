"""What opens the sealed bytes of one event, and of no other: for an auditor who is to read the evidence they hold."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Final
from uuid import UUID

from django.utils import timezone

from compliance.audit.events import note
from compliance.audit.evidence import NotProven
from compliance.audit.keys.errors import KeyErased, KeyMissing
from compliance.audit.keys.orders import order_of_people
from compliance.audit.log.files import put_private
from compliance.audit.models import AuditEvent, ServeRecord
from compliance.audit.selectors import act_anywhere, key_of_record, record_anywhere
from compliance.audit.storage.packing import dictionary_bytes
from compliance.audit.storage.sealing import dictionary_of, is_sealed, record_key

VERSION: Final = 1
OPENING: Final = "opening"
"""The act's kind."""


def hand_out(event_id: UUID, out: Path, *, by: str, approved_by: str, why: str) -> bool:
    """Write the opening of one event where only its owner reads it; False where a file is there already.

    Two people order it; who and why is on record before the key leaves us. Raises NotProven, OrderRefused.
    """
    said = order_of_people(by=by, approved_by=approved_by, why=why)
    opening = opening_of(event_id)
    if out.exists():
        return False
    note(kind=OPENING, happened_at=timezone.now(), what={"event": str(event_id), **said})
    return put_private(out, opening)


def opening_of(event_id: UUID) -> bytes:
    """The opening (`open_evidence.py`) of one event, as JSON. Raises NotProven where there is nothing to open."""
    row = record_anywhere(event_id) or act_anywhere(event_id)
    if row is None:
        raise NotProven(f"There is no event {event_id} on record, or it is past its retention.")
    body = bytes(row.body)
    if not is_sealed(body):
        raise NotProven(f"Event {event_id} is not sealed: the record in its evidence can be read as it is.")
    try:
        key = record_key(key_of_record(row), event_id)
    except (KeyErased, KeyMissing) as error:
        raise NotProven(str(error)) from error
    document = {
        "version": VERSION,
        "event_id": str(event_id),
        "key": key.hex(),
        "bound": _bound(row).hex(),
        "dictionary": base64.b64encode(dictionary_bytes(dictionary_of(body))).decode(),
    }
    return json.dumps(document, indent=1, sort_keys=True).encode() + b"\n"


def _bound(row: ServeRecord | AuditEvent) -> bytes:
    """What the bytes are bound to: the model's address, of a record of ours (`storage/compact.py`)."""
    return bytes(row.model_sha256 or b"") if isinstance(row, ServeRecord) and not row.source else b""
