"""How sealed decisions get into the tables: binary COPY, without a staging table.

COPY stops at the first id that is there already and takes everything back; the caller then looks which it was. That
keeps the ordinary batch, where all is new, free of a second pass over it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import psycopg
from django.db import connection

from compliance.audit.events import SERVE
from compliance.audit.ingest.document import External
from compliance.audit.ingest.sources import Source
from compliance.audit.log.commitment import SALT_BYTES, commit
from compliance.audit.storage.sealing import seal
from ranking.catalogue.clock import from_ms

_RECORDS: Final = (
    "COPY audit_serverecord (id, service, source, pseudonym, served_at, surface, feed_mode, tier, jurisdiction, "
    "model_sha256, body, salt) FROM STDIN (FORMAT BINARY)"
)
_RECORD_TYPES: Final = ("uuid", "varchar", "varchar", "uuid", "timestamptz", *["varchar"] * 4, *["bytea"] * 3)
_QUEUE: Final = "COPY audit_logqueue (id, kind, digest) FROM STDIN (FORMAT BINARY)"
_QUEUE_TYPES: Final = ("uuid", "varchar", "bytea")
_STORED: Final = """
SELECT id, source, pseudonym, body FROM audit_serverecord WHERE id = ANY(%(ids)s)
UNION ALL SELECT id, 'an act', '00000000-0000-0000-0000-000000000000', '' FROM audit_auditevent WHERE id = ANY(%(ids)s)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sealed:
    """One event's sealed bytes, and what the log will keep of it."""

    body: bytes
    salt: bytes
    digest: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """What is on record under an id. No source is called as the acts are."""

    source: str
    pseudonym: UUID
    body: bytes


def seal_event(key: bytes, one: External) -> Sealed:
    """Seal one event's canonical bytes for its person, and commit to them."""
    body, salt = seal(key, one.id, one.content), secrets.token_bytes(SALT_BYTES)
    return Sealed(body=body, salt=salt, digest=commit(one.id, salt, body))


def on_record(ids: Sequence[UUID]) -> dict[UUID, Stored]:
    """What is there under these ids, slates and other acts alike."""
    with connection.cursor() as cursor:
        cursor.execute(_STORED, {"ids": list(ids)})
        rows = cursor.fetchall()
    return {row[0]: Stored(source=row[1], pseudonym=row[2], body=bytes(row[3])) for row in rows}


def acts_among(ids: Sequence[UUID]) -> bool:
    """Whether any of these ids is an act's: the log knows each id once, so that no record may bear it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM audit_auditevent WHERE id = ANY(%s))", [list(ids)])
        found: bool = cursor.fetchone()[0]
    return found


def copy_in(source: Source, events: Sequence[External], sealed: Sequence[Sealed]) -> None:
    """Copy records and their commitments, in the order given. Raises IntegrityError where an id is there already."""
    if not events:
        return
    records = (
        (
            one.id,
            source.service,
            source.name,
            one.pseudonym,
            from_ms(one.served_at_ms),
            one.surface,
            one.feed_mode,
            one.tier,
            one.jurisdiction,
            bytes.fromhex(one.model_sha256) or None,
            bytes_.body,
            bytes_.salt,
        )
        for one, bytes_ in zip(events, sealed, strict=True)
    )
    queue = ((one.id, SERVE, bytes_.digest) for one, bytes_ in zip(events, sealed, strict=True))
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        with cursor.copy(_RECORDS) as copy:
            copy.set_types(_RECORD_TYPES)
            for row in records:
                copy.write_row(row)
        with cursor.copy(_QUEUE) as copy:
            copy.set_types(_QUEUE_TYPES)
            for entry in queue:
                copy.write_row(entry)
