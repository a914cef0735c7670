"""Acts other than slates that must be undeniable: on record, and bound for the log, in the caller's transaction."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import uuid_utils.compat as uuids
from django.db import transaction

from compliance.audit.canonical import canonical
from compliance.audit.keys.services import key_for
from compliance.audit.log.commitment import SALT_BYTES, commit
from compliance.audit.models import AuditEvent, LogQueue
from compliance.audit.storage.sealing import seal
from ranking.catalogue.clock import from_ms, to_ms

SERVE: Final = "serve"
"""The kind of a serve record's commitment; all other kinds are `AuditEvent.kind`."""


@transaction.atomic
def note(*, kind: str, happened_at: datetime, what: dict[str, Any], pseudonym: UUID | None = None) -> UUID:
    """Put an act on record; return its id.

    `what` says who did it, what was done and why, without floats. With a `pseudonym` it is sealed with that person's
    key, and goes with it. Raises NotCanonical, KeyErased.
    """
    event_id, salt = uuids.uuid7(), secrets.token_bytes(SALT_BYTES)
    body = canonical({**what, "id": str(event_id), "kind": kind, "happened_ms": to_ms(happened_at)})
    if pseudonym is not None:
        body = seal(key_for(pseudonym), event_id, body)
    at = from_ms(to_ms(happened_at))  # as the bytes say it
    AuditEvent.objects.create(id=event_id, kind=kind, happened_at=at, pseudonym=pseudonym, body=body, salt=salt)
    LogQueue.objects.create(id=event_id, kind=kind, digest=commit(event_id, salt, body))
    return event_id
