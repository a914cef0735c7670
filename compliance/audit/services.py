"""The one write of serve records: with snapshot and commitment, in one statement, before the slate leaves."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import psycopg
from django.db import IntegrityError, connection

from compliance.audit.canonical import digest
from compliance.audit.events import SERVE
from compliance.audit.log.commitment import SALT_BYTES, commit
from compliance.audit.models import ServeKey
from compliance.audit.packing import pack_bytes


class KeyTaken(Exception):
    """Another request with the same idempotency key was recorded first."""


@dataclass(frozen=True, kw_only=True)
class NewRecord:
    """A serve record about to be written. `body`, `snapshot` and `pack` are stored and hashed as they are."""

    id: UUID
    service: str
    pseudonym: UUID
    served_at: datetime
    surface: str
    feed_mode: str
    tier: str
    jurisdiction: str
    model_sha256: str
    plan_sha256: str
    snapshot_sha256: str
    output_sha256: str
    body: bytes
    snapshot: bytes
    pack: bytes
    idempotency_key: str


def forget_key(*, pseudonym: UUID, key: str, record_id: UUID | str) -> None:
    """Free an idempotency key whose record is no longer what would be served. The record itself stays."""
    ServeKey.objects.filter(pseudonym=pseudonym, key=key, record_id=record_id).delete()


# One statement, one round trip, one commit: a slate is recorded whole or not at all.
_INSERT = """
WITH blob AS (
    INSERT INTO audit_blob (sha256, content, stored_at)
    VALUES (%(snapshot_sha256)s, %(packed_snapshot)s, now()), (%(pack_sha256)s, %(packed_pack)s, now())
    ON CONFLICT (sha256) DO NOTHING
), key AS (
    INSERT INTO audit_servekey (pseudonym, key, record_id)
    SELECT %(pseudonym)s::uuid, %(idempotency_key)s::text, %(id)s::uuid WHERE %(idempotency_key)s::text <> ''
), queue AS (
    INSERT INTO audit_logqueue (id, kind, digest) VALUES (%(id)s, %(kind)s, %(digest)s)
)
INSERT INTO audit_serverecord (
    id, service, pseudonym, served_at, surface, feed_mode, tier, jurisdiction,
    model_sha256, plan_sha256, snapshot_sha256, output_sha256, body, body_sha256, salt
) VALUES (
    %(id)s, %(service)s, %(pseudonym)s, %(served_at)s, %(surface)s, %(feed_mode)s, %(tier)s, %(jurisdiction)s,
    %(model_sha256)s, %(plan_sha256)s, %(snapshot_sha256)s, %(output_sha256)s, %(body)s, %(body_sha256)s,
    %(salt)s
)
"""


def record(new: NewRecord) -> None:
    """Write the record. Raises KeyTaken when its idempotency key already has one; nothing is written then."""
    values = {**new.__dict__, "body_sha256": digest(new.body)}
    values |= {"pack_sha256": digest(new.pack), "packed_pack": pack_bytes(new.pack)}
    values |= {"packed_snapshot": pack_bytes(new.snapshot)}
    salt = secrets.token_bytes(SALT_BYTES)
    values |= {"salt": salt, "kind": SERVE, "digest": commit(new.id, salt, new.body)}
    connection.ensure_connection()
    try:
        # Bound on the server, in binary and prepared: Django's own cursor would spell the bytes out in the statement.
        with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
            cursor.execute(_INSERT, values, prepare=True)
    except IntegrityError as error:
        if "audit_servekey" in str(error):
            raise KeyTaken(new.idempotency_key) from error
        raise
