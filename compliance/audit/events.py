"""Acts other than slates that must be undeniable: on record, and bound for the log, in the caller's transaction."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

import uuid_utils.compat as uuids
from django.db import transaction

from compliance.audit.canonical import canonical
from compliance.audit.log.commitment import SALT_BYTES, commit
from compliance.audit.models import AuditEvent, LogQueue


@transaction.atomic
def note(*, kind: str, happened_at: datetime, what: dict[str, Any]) -> UUID:
    """Put an act on record; return its id.

    `what` says who did it, what was done and why, without floats. Raises NotCanonical.
    """
    event_id, salt = uuids.uuid7(), secrets.token_bytes(SALT_BYTES)
    body = canonical({"id": str(event_id), "kind": kind, **what})
    AuditEvent.objects.create(id=event_id, kind=kind, happened_at=happened_at, body=body, salt=salt)
    LogQueue.objects.create(id=event_id, kind=kind, digest=commit(event_id, salt, body))
    return event_id
