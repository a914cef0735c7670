"""How sealed decisions get into the tables: binary COPY, without a staging table.

COPY stops at the first id that is there already and takes everything back; the caller then looks which it was. That
keeps the ordinary batch, where all is new, free of a second pass over it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

import psycopg
from django.db import connection

from compliance.audit.ingest import binary
from compliance.audit.ingest.document import External
from compliance.audit.ingest.sources import Source
from compliance.audit.log.commitment import SALT_BYTES, commit
from compliance.audit.storage.sealing import seal_many

LEVEL: Final = 1
"""Of zstd, for thousands of documents a second: a fifth of the door's time, and a sixth more bytes."""
_RECORDS: Final = f"COPY audit_serverecord ({', '.join(binary.RECORD_COLUMNS)}) FROM STDIN (FORMAT BINARY)"
_QUEUE: Final = f"COPY audit_logqueue ({', '.join(binary.QUEUE_COLUMNS)}) FROM STDIN (FORMAT BINARY)"
_STORED: Final = """
SELECT id, source, pseudonym, body FROM audit_serverecord WHERE id = ANY(%(ids)s)
UNION ALL SELECT id, 'an act', '00000000-0000-0000-0000-000000000000', '' FROM audit_auditevent WHERE id = ANY(%(ids)s)
"""


class Sealed(NamedTuple):
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


def seal_events(events: Sequence[External], keys: Sequence[bytes]) -> list[Sealed]:
    """Seal each event's canonical bytes with its person's key, and commit to them."""
    drawn = secrets.token_bytes(SALT_BYTES * len(events))
    salts = [drawn[start : start + SALT_BYTES] for start in range(0, len(drawn), SALT_BYTES)]
    ids = [one.id for one in events]
    bodies = seal_many(keys, ids, [one.content for one in events], level=LEVEL)
    digests = map(commit, ids, salts, bodies)
    return [Sealed(*sealed) for sealed in zip(bodies, salts, digests, strict=True)]


def on_record(ids: Sequence[UUID]) -> dict[UUID, Stored]:
    """What is there under these ids, slates and other acts alike."""
    with connection.cursor() as cursor:
        cursor.execute(_STORED, {"ids": list(ids)})
        rows = cursor.fetchall()
    return {row[0]: Stored(source=row[1], pseudonym=row[2], body=bytes(row[3])) for row in rows}


def acts_among(ids: Sequence[UUID]) -> bool:
    """Whether any of these ascending ids is an act's: the log knows each id once, so that no record may bear it."""
    with connection.cursor() as cursor:
        # Mostly no act happened between the first and the last, which is one look instead of thousands.
        cursor.execute("SELECT EXISTS (SELECT FROM audit_auditevent WHERE id BETWEEN %s AND %s)", [ids[0], ids[-1]])
        if not cursor.fetchone()[0]:
            return False
        cursor.execute("SELECT EXISTS (SELECT FROM audit_auditevent WHERE id = ANY(%s))", [list(ids)])
        found: bool = cursor.fetchone()[0]
    return found


def copy_in(source: Source, events: Sequence[External], sealed: Sequence[Sealed]) -> None:
    """Copy records and their commitments, in the order given. Raises IntegrityError where an id is there already."""
    if not events:
        return
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        for statement, rows in (
            (_RECORDS, binary.records(source, events, sealed)),
            (_QUEUE, binary.queue(events, sealed)),
        ):
            with cursor.copy(statement) as copy:
                copy.write(rows)
