"""The one write of serve records: with snapshot and commitment, in one statement, before the slate leaves."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import psycopg
from django.db import IntegrityError, connection

from compliance.audit.canonical import digest
from compliance.audit.events import SERVE
from compliance.audit.log.commitment import SALT_BYTES, commit
from compliance.audit.models import ServeKey
from compliance.audit.storage.compact import seal_document
from compliance.audit.storage.packing import pack_bytes
from compliance.audit.storage.partitions import Month


class KeyTaken(Exception):
    """Another request with the same idempotency key was recorded first."""


@dataclass(frozen=True, kw_only=True)
class NewRecord:
    """A serve record about to be written: its `document` is sealed with `key`; `blobs` are what it names."""

    id: UUID
    service: str
    pseudonym: UUID
    served_at: datetime
    surface: str
    feed_mode: str
    tier: str
    jurisdiction: str
    model_sha256: str  # empty: nothing was scored
    document: dict[str, Any]
    key: bytes
    blobs: dict[bytes, bytes]  # address -> sealed content
    pack: bytes
    idempotency_key: str


def forget_key(*, pseudonym: UUID, key: str, record_id: UUID | str) -> None:
    """Free an idempotency key whose record is no longer what would be served. The record itself stays."""
    ServeKey.objects.filter(pseudonym=pseudonym, key=key, record_id=record_id).delete()


# One statement, one round trip, one commit: a slate is recorded whole or not at all. Where the server would say that it
# is committed before it lies on the disk, the salt is null, which the table refuses, and nothing is served.
_INSERT = """
WITH pack AS (
    INSERT INTO audit_blob (sha256, content, stored_at) VALUES (%(pack_sha256)s, %(packed_pack)s, now())
    ON CONFLICT (sha256) DO NOTHING
), blob AS (
    INSERT INTO audit_sealedblob (period, address, pseudonym, content)
    SELECT %(period)s, new.address, %(pseudonym)s, new.content
    FROM unnest(%(addresses)s::bytea[], %(contents)s::bytea[]) AS new (address, content)
    ON CONFLICT (period, address) DO NOTHING
), key AS (
    INSERT INTO audit_servekey (pseudonym, key, record_id)
    SELECT %(pseudonym)s::uuid, %(idempotency_key)s::text, %(id)s::uuid WHERE %(idempotency_key)s::text <> ''
), queue AS (
    INSERT INTO audit_logqueue (id, kind, digest) VALUES (%(id)s, %(kind)s, %(digest)s)
)
INSERT INTO audit_serverecord (
    id, service, source, pseudonym, served_at, surface, feed_mode, tier, jurisdiction, model_sha256, body, salt
) VALUES (
    %(id)s, %(service)s, '', %(pseudonym)s, %(served_at)s, %(surface)s, %(feed_mode)s, %(tier)s, %(jurisdiction)s,
    %(model)s, %(body)s, CASE WHEN current_setting('synchronous_commit') <> 'off' THEN %(salt)s::bytea END
)
"""


def record(new: NewRecord) -> None:
    """Write the record, or nothing. Raises NotCanonical, and KeyTaken when its idempotency key already has one."""
    body, salt = seal_document(new.key, new.document), secrets.token_bytes(SALT_BYTES)
    pack_sha256, packed_pack = _packed(new.pack)
    values = {
        **{name: getattr(new, name) for name in _AS_THEY_ARE},
        "period": Month.of_id(new.id).first,
        "pack_sha256": pack_sha256,
        "packed_pack": packed_pack,
        "addresses": list(new.blobs),
        "contents": list(new.blobs.values()),
        "model": bytes.fromhex(new.model_sha256) or None,
        "body": body,
        "salt": salt,
        "kind": SERVE,
        "digest": commit(new.id, salt, body),
    }
    connection.ensure_connection()
    try:
        # Bound on the server, in binary and prepared: Django's own cursor would spell the bytes out in the statement.
        with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
            cursor.execute(_INSERT, values, prepare=True)
    except IntegrityError as error:
        if "audit_servekey" in str(error):
            raise KeyTaken(new.idempotency_key) from error
        raise


_AS_THEY_ARE: Final = (
    "id",
    "service",
    "pseudonym",
    "served_at",
    "surface",
    "feed_mode",
    "tier",
    "jurisdiction",
    "idempotency_key",
)


@lru_cache(maxsize=8)
def _packed(pack: bytes) -> tuple[str, bytes]:
    """A policy pack's address and stored bytes: there are few, and each is written with every record."""
    return digest(pack), pack_bytes(pack)
