"""After all the kills: is all that was acknowledged there, once, in rows and in the log, and is the log whole?"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from bench.chaos.history import Acknowledged
from bench.world import ROOT

ROWS: Final = {
    "event": ("audit_auditevent", "id"),
    "decision": ("audit_serverecord", "id"),
    "slate": ("audit_serverecord", "id"),
    "reaction": ("catalogue_event", "id"),
}
LOGGED: Final = ("event", "decision", "slate")  # reactions are facts of the catalogue, not of the log


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What is wrong, in figures. `faults` are sentences of `audit verify`."""

    acknowledged: dict[str, int]
    lost: int
    duplicated: int
    unlogged: int
    faults: tuple[str, ...]
    undone: int
    root_is_signed: bool
    leaves: int
    unacknowledged: int


def surplus(database: Any) -> dict[str, int]:
    """How many rows there are to compare with what was acknowledged since: acts, decisions, spare lists."""
    return {
        "event": _count(database, "SELECT count(*) FROM audit_auditevent WHERE kind = 'chaos'"),
        "decision": _count(database, "SELECT count(*) FROM audit_serverecord WHERE source <> ''"),
        "slate": _count(database, "SELECT count(*) FROM audit_serverecord WHERE source = ''")
        - _count(database, "SELECT count(DISTINCT record_id) FROM audit_servekey"),
    }


def judge(database: Any, history: Iterable[Acknowledged], before: dict[str, int]) -> Judgement:
    """Compare the histories with the database and the log. Nothing may be running that writes.

    `before` is the `surplus` from before the load. Every list was asked for with a key, repeated until answered.
    """
    ids: dict[str, list[str]] = {kind: [] for kind in ROWS}
    for answer in history:
        ids[answer.kind] += answer.ids
    lost = duplicated = unlogged = 0
    for kind, (table, column) in ROWS.items():
        missing, twice = found_rows(database, ids[kind], table, column)
        lost, duplicated = lost + missing, duplicated + twice
        if kind in LOGGED:
            missing, twice = found_rows(database, ids[kind], "audit_logentry", "event_id")
            unlogged, duplicated = unlogged + missing, duplicated + twice
    after = surplus(database)
    duplicated += abs(after["slate"] - before["slate"])
    size, signed = _root()
    faults = verify()
    return Judgement(
        acknowledged={kind: len(found) for kind, found in ids.items()},
        lost=lost,
        duplicated=duplicated,
        unlogged=unlogged,
        faults=faults,
        undone=_count(database, "SELECT count(*) FROM outbox_outboxentry WHERE done_at IS NULL"),
        root_is_signed=signed,
        leaves=size,
        unacknowledged=sum(after[kind] - before[kind] - len(ids[kind]) for kind in ("event", "decision")),
    )


def found_rows(database: Any, ids: list[str], table: str, column: str) -> tuple[int, int]:
    """How many of these ids are in no row, and how many rows too many there are of the others."""
    with database.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE acknowledged (id uuid)")
        with cursor.copy("COPY acknowledged FROM STDIN") as copy:
            for each in ids:
                copy.write_row((each,))
        cursor.execute("ANALYZE acknowledged")
        cursor.execute(
            f"SELECT count(*) FILTER (WHERE rows IS NULL), coalesce(sum(rows - 1), 0) FROM acknowledged "  # noqa: S608
            f"LEFT JOIN (SELECT {column} AS id, count(*) AS rows FROM {table} GROUP BY 1) found USING (id)"
        )
        missing, twice = cursor.fetchone()
        cursor.execute("DROP TABLE acknowledged")
    return int(missing), int(twice)


def _count(database: Any, question: str) -> int:
    return int(database.execute(question).fetchone()[0])


def waiting(database: Any) -> int:
    """What the sequencer and the worker have still to do."""
    return _count(database, "SELECT count(*) FROM audit_logqueue") + _count(
        database, "SELECT count(*) FROM outbox_outboxentry WHERE done_at IS NULL"
    )


def left_behind(database: Any, moment: float) -> int:
    """What was there before a moment (seconds since 1970) and has still to be logged or done."""
    oldest = str(UUID(int=int(moment * 1000) << 80))  # ids begin with their milliseconds (RFC 9562 §5.7)
    found = database.execute(
        "SELECT (SELECT count(*) FROM audit_logqueue WHERE id < %s::uuid) + (SELECT count(*) FROM outbox_outboxentry "
        "WHERE done_at IS NULL AND created_at < to_timestamp(%s))",
        [oldest, moment],
    )
    return int(found.fetchone()[0])


def _root() -> tuple[int, bool]:
    """The leaves that the checkpoint signs, and whether the tiles' own root is the signed one."""
    from compliance.audit.heads import published
    from compliance.audit.place import log_place

    place = log_place()
    note = published(place.folder)
    if note is None:
        return 0, False
    head = place.head(note)
    return head.size, place.tiles.root(head.size) == head.root


def verify() -> tuple[str, ...]:
    """The sentences of `audit verify`; empty when the log and everything on record are whole."""
    command = [sys.executable, str(Path(ROOT) / "manage.py"), "audit", "verify", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    try:
        faults = json.loads(done.stdout)["faults"]
    except (ValueError, KeyError, TypeError):
        return (f"`audit verify` did not answer: {done.stderr.strip()[-300:]}",)
    return tuple(faults)
