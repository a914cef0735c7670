"""The sequencer: gives waiting commitments their places in the log, writes tiles, and signs what it wrote.

Two steps, each safe to repeat after a crash. `assign` moves rows from the queue to the log in one transaction, so that
none is lost or taken twice, whatever order they were committed in. `publish` writes the tiles of all leaves that no
checkpoint covers yet, and the checkpoint last (C2SP tlog-tiles; DESIGN §4).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from django.db import connection, transaction
from django.utils import timezone

from compliance.audit.log import files
from compliance.audit.log.batch import entry_of
from compliance.audit.log.note import Checkpoint, SigningKey, VerifierKey, open_note, parse_checkpoint, sign_note
from compliance.audit.log.tiles import TileStore
from compliance.audit.models import LogCheckpoint

LOCK: Final = 0x636C6572_6C6F6731
"""PostgreSQL's advisory lock for the one process that writes the log."""
CHECKPOINT: Final = "checkpoint"


class LogForked(Exception):
    """What would be signed contradicts what was signed before. Nothing is signed until a person has looked."""


class NotAlone(Exception):
    """Another process is writing the log."""


@dataclass(frozen=True, kw_only=True)
class LogPlace:
    """Where the log lies, who signs it, and where the second, separately owned copy of its checkpoints goes."""

    folder: Path
    key: SigningKey
    second: Path | None = None

    @property
    def tiles(self) -> TileStore:
        """The tiles, in a folder that is there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return TileStore(self.folder)

    @property
    def folders(self) -> tuple[Path, ...]:
        """Everywhere that a checkpoint is published."""
        return (self.folder,) if self.second is None else (self.folder, self.second)

    @property
    def verifier(self) -> VerifierKey:
        """What anybody checks the log's signatures with."""
        return self.key.verifier()

    def head(self, note: str) -> Checkpoint:
        """The checkpoint in a note that this log signed. Raises NoteRefused."""
        return parse_checkpoint(open_note(note, [self.verifier]).text)


@contextmanager
def alone() -> Iterator[None]:
    """Hold the sequencer's lock. Raises NotAlone where another process holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            raise NotAlone("Another sequencer is writing this log: stop it first, or leave the work to it.")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


_MOVE: Final = """
WITH taken AS (
    DELETE FROM audit_logqueue WHERE id IN (
        SELECT id FROM audit_logqueue ORDER BY id LIMIT %(events)s FOR UPDATE SKIP LOCKED
    ) RETURNING id, kind, digest
), numbered AS (
    SELECT id, kind, digest, row_number() OVER (ORDER BY id) - 1 AS number FROM taken
), next AS (
    SELECT coalesce(max(leaf) + 1, 0) AS leaf FROM audit_logentry
)
INSERT INTO audit_logentry (leaf, place, event_id, kind, digest)
SELECT next.leaf + number / %(batch)s, number %% %(batch)s, id, kind, digest FROM numbered, next
"""


def assign(*, events: int = 65_536, batch: int = 1) -> int:
    """Give up to so many waiting events their leaves, `batch` events in each; return how many were taken."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_MOVE, {"events": events, "batch": batch})
        moved: int = cursor.rowcount
    return moved


def publish(place: LogPlace, *, now: datetime | None = None) -> Checkpoint | None:
    """Write and sign what was assigned since the last checkpoint; None where nothing was.

    Raises LogDamaged where the tiles do not hold what the last checkpoint says, and LogForked where the published
    checkpoint is larger than the database knows of: it was changed, or restored from a backup.
    """
    last = LogCheckpoint.objects.order_by("-size").first()
    size, root = (last.size, bytes(last.root)) if last else (0, None)
    _refuse_fork(place, size, root)
    if last is not None:
        write_checkpoint(place, last.note)  # a crash may have come between the database and the file
    entries = leaves(size)
    if not entries:
        return None
    whole = place.tiles.append(entries, size=size, root=root)
    head = Checkpoint(origin=place.key.name, size=size + len(entries), root=whole)
    note = sign_note(head.text(), place.key)
    LogCheckpoint.objects.create(size=head.size, root=head.root, note=note, made_at=now or timezone.now())
    write_checkpoint(place, note)
    return head


def leaves(start: int, stop: int | None = None) -> list[bytes]:
    """Leaf entries from `start` on, as they go into the tree. Raises LogForked where one is missing."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT leaf, digest FROM audit_logentry WHERE leaf >= %s AND (%s::bigint IS NULL OR leaf < %s) "
            "ORDER BY leaf, place",
            [start, stop, stop],
        )
        rows = cursor.fetchall()
    found: list[bytes] = []
    batch: list[bytes] = []
    for number, (leaf, digest) in enumerate(rows):
        if leaf != start + len(found):
            raise LogForked(f"Leaf {start + len(found)} is missing from the database: restore it before signing on.")
        batch.append(bytes(digest))
        if number + 1 == len(rows) or rows[number + 1][0] != leaf:
            found.append(entry_of(batch))
            batch = []
    return found


def published(folder: Path) -> str | None:
    """The text of a folder's checkpoint file, or None. What is no text is replaced: no signature fits it then."""
    path = folder / CHECKPOINT
    return path.read_text(errors="replace") if path.is_file() else None


def write_checkpoint(place: LogPlace, note: str) -> None:
    """Put a signed checkpoint where it is published, and where its second copy lies: each whole or not at all."""
    for folder in place.folders:
        if published(folder) != note:
            folder.mkdir(parents=True, exist_ok=True)
            files.replace(folder / CHECKPOINT, note.encode())


def _refuse_fork(place: LogPlace, size: int, root: bytes | None) -> None:
    """Compare what is about to be extended with what was signed."""
    for folder in place.folders:
        text = published(folder)
        if text is None:
            continue
        head = place.head(text)
        if head.size > size:
            raise LogForked(
                f"{folder} has a signed checkpoint of {head.size} leaves, the database one of {size}: the database is "
                "older than what was published. Restore the missing rows; signing on would fork the log."
            )
        if head.size == size and head.root != root:
            raise LogForked(f"{folder} has another root for {size} leaves than the database: one of them was changed.")
