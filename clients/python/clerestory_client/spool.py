"""The spool: what was decided and is not yet known to be on record, in one SQLite file that a crash does not empty.

A decision gets its number when it is written, in the same commit; numbers are never used twice, and a commit that a
crash takes back takes its numbers back too.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

HOUR_MS = 3_600_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS owner (source TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS waiting (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, hour_ms INTEGER NOT NULL, document TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS waiting_by_hour ON waiting (hour_ms);
CREATE TABLE IF NOT EXISTS refused (
    sequence INTEGER PRIMARY KEY, id TEXT NOT NULL, document TEXT NOT NULL, problem TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS hours (
    hour_ms INTEGER PRIMARY KEY, count INTEGER NOT NULL, claimed INTEGER NOT NULL DEFAULT -1
);
"""
_ONE_MORE = "INSERT INTO hours (hour_ms, count) VALUES (?, 1) ON CONFLICT (hour_ms) DO UPDATE SET count = count + 1"


class SpoolRefused(RuntimeError):
    """The spool's file is another source's."""


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A decision that the service will not take, and why. It is kept here and not sent again."""

    sequence: int
    id: str
    document: str
    problem: str


class Spool:
    """One file, used by one process at a time; its threads may share it."""

    def __init__(self, path: Path, *, source: str) -> None:
        self._lock = threading.Lock()
        _keep_private(path)
        self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=2)
        # WAL with FULL: a commit is on the disk when it returns. The other process, if any, is refused at once.
        self._file.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = FULL")
        try:
            self._file.executescript(_SCHEMA)
        except sqlite3.OperationalError as error:
            self._file.close()
            raise SpoolRefused(f"{path} is in use by another process ({error}): give each its own source.") from error
        owner = self._file.execute("SELECT source FROM owner").fetchone()
        if owner is None:
            self._file.execute("INSERT INTO owner VALUES (?)", (source,))
        elif owner[0] != source:
            self._file.close()
            raise SpoolRefused(f"{path} holds the numbers of source {owner[0]}: give {source} a file of its own.")

    def add(self, decisions: Sequence[tuple[str, int, str]]) -> None:
        """Keep decisions (id, served_at_ms, document), all or none. On disk when this returns."""
        rows = [(event_id, at_ms // HOUR_MS * HOUR_MS, text) for event_id, at_ms, text in decisions]
        self._commit(
            ("INSERT INTO waiting (id, hour_ms, document) VALUES (?, ?, ?)", rows),
            (_ONE_MORE, [(hour_ms,) for _, hour_ms, _ in rows]),
        )

    def waiting(self, *, limit: int, most_bytes: int) -> list[tuple[int, str, str]]:
        """The oldest decisions (number, id, document), up to so many and so long together, but at least one."""
        with self._lock:
            rows = self._file.execute(
                "SELECT sequence, id, document FROM waiting ORDER BY sequence LIMIT ?", (limit,)
            ).fetchall()
        found: list[tuple[int, str, str]] = []
        length = 0
        for row in rows:
            length += len(row[2].encode()) + 40
            if found and length > most_bytes:
                break
            found.append(row)
        return found

    def count(self) -> int:
        """How many decisions wait."""
        with self._lock:
            found: int = self._file.execute("SELECT count(*) FROM waiting").fetchone()[0]
        return found

    def settle(self, *, done: Iterable[int], refused: Mapping[int, str]) -> None:
        """Forget decisions that are on record, and set others aside with why: both by number, in one commit."""
        move = "INSERT OR REPLACE INTO refused SELECT sequence, id, document, ? FROM waiting WHERE sequence = ?"
        gone = [(number,) for number in (*done, *refused)]
        self._commit(
            (move, [(problem, number) for number, problem in refused.items()]),
            ("DELETE FROM waiting WHERE sequence = ?", gone),
        )

    def refused(self) -> list[Refused]:
        """All that were set aside."""
        with self._lock:
            rows = self._file.execute(
                "SELECT sequence, id, document, problem FROM refused ORDER BY sequence"
            ).fetchall()
        return [Refused(sequence=row[0], id=row[1], document=row[2], problem=row[3]) for row in rows]

    def forget_refused(self) -> int:
        """Delete all that were set aside, which hold what they said of people; return how many."""
        with self._lock:
            self._file.execute("PRAGMA secure_delete = ON")
            found = self._file.execute("DELETE FROM refused").rowcount
            self._file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return found

    def hours_to_claim(self, *, before_ms: int) -> list[tuple[int, int]]:
        """Hours (start, count) that are over, of which nothing waits, and that were not claimed with this count."""
        with self._lock:
            rows: list[tuple[int, int]] = self._file.execute(
                "SELECT hour_ms, count FROM hours WHERE hour_ms + ? <= ? AND claimed <> count "
                "AND NOT EXISTS (SELECT 1 FROM waiting WHERE waiting.hour_ms = hours.hour_ms) ORDER BY hour_ms",
                (HOUR_MS, before_ms),
            ).fetchall()
        return rows

    def claimed(self, hour_ms: int, count: int) -> None:
        """Remember that an hour was claimed."""
        self._commit(("UPDATE hours SET claimed = ? WHERE hour_ms = ?", [(count, hour_ms)]))

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._file.close()

    def _commit(self, *changes: tuple[str, Sequence[tuple[object, ...]]]) -> None:
        """Make changes, all or none; on disk when this returns."""
        with self._lock, closing(self._file.cursor()) as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            try:
                for statement, rows in changes:
                    cursor.executemany(statement, rows)
                cursor.execute("COMMIT")
            except sqlite3.Error:
                if self._file.in_transaction:
                    cursor.execute("ROLLBACK")
                raise


def _keep_private(path: Path) -> None:
    """Let only the owner read the spool, which says what people were shown; SQLite's other files take its mode.

    A folder that is there already is left as it is: others may use it.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    for name in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))):
        if name.exists():
            name.chmod(0o600)
