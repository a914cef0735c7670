"""When each thing worked again after a kill: lists, acknowledgements, checkpoints, side work."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Final

from bench.chaos.history import Acknowledged, read
from bench.chaos.house import House, fresh_database

ENQUEUE_SECONDS: Final = 0.5
# What has to have worked again, for what was killed: begun after the kill, and finished.
SERVING: Final = ("slate", "decision")
NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "worker": ("work",),
    "sequencer": ("checkpoint",),
    "valkey, wiped every second time": (*SERVING, "work"),
    "PostgreSQL, its postmaster": (*SERVING, "checkpoint"),
    "PostgreSQL, one backend": (*SERVING, "checkpoint"),
    "the engines' supervisor": (*SERVING, "checkpoint", "work"),
    "the load generator": ("decision",),
}
Marks = dict[str, list[tuple[float, float]]]
Recovery = tuple[float, str]  # seconds, and what came back last


class Watch(threading.Thread):
    """Notes every new checkpoint, and gives the outbox work to do."""

    def __init__(self, house: House) -> None:
        super().__init__(daemon=True)
        self.house = house
        self.checkpoints: list[float] = []
        self.work: list[tuple[float, float]] = []
        self._leaving = threading.Event()
        self._enqueued = 0.0

    def __enter__(self) -> Watch:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Look no more, and give no more work."""
        self._leaving.set()
        self.join(30)

    def run(self) -> None:
        """Look every tenth of a second."""
        path = self.house.home / "audit-log" / "checkpoint"
        seen = ""
        while not self._leaving.wait(0.1):
            with contextlib.suppress(FileNotFoundError):
                if (note := path.read_text()) != seen:
                    seen = note
                    self.checkpoints.append(time.time())
            if time.monotonic() - self._enqueued > ENQUEUE_SECONDS:
                self._enqueue()

    def _enqueue(self) -> None:
        """One piece of work, as a click would give it. Nothing is acknowledged where the database does not answer."""
        from django.db import DatabaseError, InterfaceError, connection, transaction

        from host.outbox import services

        try:
            with transaction.atomic():
                services.enqueue(task="refresh_popularity", key=f"chaos-{time.time_ns()}", arguments={})
        except (DatabaseError, InterfaceError):
            connection.close()
        self._enqueued = time.monotonic()

    def note_outbox(self) -> None:
        """Read from the outbox when each piece of work was asked for and done. Raises psycopg's errors."""
        with fresh_database() as database:
            rows = database.execute("SELECT created_at, done_at FROM outbox_outboxentry WHERE done_at IS NOT NULL")
            self.work = [(created.timestamp(), done.timestamp()) for created, done in rows]

    def marks(self, history: list[Acknowledged]) -> Marks:
        """(begun, finished) of everything that worked, by kind."""
        marks: Marks = defaultdict(list)
        for answer in history:
            marks[answer.kind].append((answer.began, answer.ended))
        marks["checkpoint"] = [(moment, moment) for moment in self.checkpoints]
        marks["work"] = self.work
        return marks

    def recovered(self, kills: list[tuple[float, str]], folder: Path) -> bool:
        """Whether everything has worked again after the last kill."""
        import psycopg

        from host.engines import EngineError

        with contextlib.suppress(psycopg.Error, EngineError):
            self.note_outbox()
            marks = self.marks(list(read(folder)))
            last = kills[-1][0]
            return all(_first(marks, kind, last) is not None for kind in (*SERVING, "checkpoint", "work"))
        return False


def recovery_seconds(
    kills: list[tuple[float, str]], history: list[Acknowledged], watch: Watch
) -> dict[str, list[Recovery]]:
    """How long after each kill all that it could have stopped had worked again, and what came last; by target."""
    marks = watch.marks(history)
    took: dict[str, list[Recovery]] = defaultdict(list)
    for moment, name in kills:
        ends = [(_first(marks, kind, moment), kind) for kind in NEEDS.get(name, SERVING)]
        took[name].append(max((float("inf") if end is None else end - moment, kind) for end, kind in ends))
    return dict(took)


def _first(marks: Marks, kind: str, moment: float) -> float | None:
    """When the first thing of a kind was finished that began after a moment."""
    return min((ended for began, ended in marks[kind] if began >= moment), default=None)
