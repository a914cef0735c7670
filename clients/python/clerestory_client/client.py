"""The client: decisions go to the spool first, and from there to the service until it says that they are on record."""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

from clerestory_client.documents import Item, batch, document, uuid7
from clerestory_client.spool import Refused, Spool
from clerestory_client.wire import Answer, Away, Wire

MOST_BYTES = 7 * 1024 * 1024
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 60.0
SETTLED_MS = 120_000  # an hour is claimed so long after its end

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Reconciled:
    """One hour: how many decisions this client took, and how many the service has. `unexplained` should be 0."""

    hour_ms: int
    claimed: int
    on_record: int
    unexplained: int


class Client:
    """Puts decisions on record, in the background. Safe to share between threads; one process to a spool."""

    def __init__(
        self,
        url: str,
        key: str,
        spool: str | Path,
        *,
        batch_size: int = 1_000,
        every_s: float = 1.0,
        start: bool = True,
    ) -> None:
        self._source = key.partition(".")[0]
        self._wire = Wire(url, key)
        self._spool = Spool(Path(spool), source=self._source)
        self._size, self._every_s = batch_size, every_s
        self._sending = threading.Lock()
        self._failures, self._not_before = 0, 0.0
        self._wake, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="clerestory", daemon=True)
        if start:
            self._thread.start()

    def record(
        self,
        *,
        pseudonym: str | UUID,
        surface: str,
        feed_mode: str,
        tier: str,
        jurisdiction: str,
        items: Iterable[Item],
        model: tuple[str, str] | None = None,
        reasons: Iterable[str] = (),
        parameters: Mapping[str, str] | None = None,
        served_at_ms: int | None = None,
    ) -> str:
        """Keep one decision and return its id. It is on this machine's disk then, whatever happens to the process.

        `model` is (name, SHA-256 of its file). Raises ValueError for what is no number or no UUID, and
        `sqlite3.Error` when the disk refuses: the decision is not on record then, and should not be served.
        """
        at_ms = int(time.time() * 1000) if served_at_ms is None else served_at_ms
        event_id = uuid7(at_ms)
        words = {"surface": surface, "feed_mode": feed_mode, "tier": tier, "jurisdiction": jurisdiction}
        text = document(
            event_id=event_id,
            pseudonym=pseudonym,
            served_at_ms=at_ms,
            words=words,
            model=model,
            items=items,
            reasons=reasons,
            parameters=parameters or {},
        )
        self._spool.add([(event_id, at_ms, text)])
        self._wake.set()
        return event_id

    def waiting(self) -> int:
        """How many decisions are not yet known to be on record."""
        return self._spool.count()

    def refused(self) -> list[Refused]:
        """What the service will not take: kept in the spool, to be looked at by somebody."""
        return self._spool.refused()

    def forget_refused(self) -> int:
        """Delete what the service will not take, once somebody looked at it; return how many there were."""
        return self._spool.forget_refused()

    def flush(self, timeout_s: float = 60.0) -> bool:
        """Send until nothing waits, at most so long; say whether nothing does."""
        until = time.monotonic() + timeout_s
        while self._spool.count():
            if time.monotonic() >= until:
                return False
            self._send_some(until=until)
        return True

    def reconcile(self) -> list[Reconciled]:
        """Claim every hour that is over and sent; return what the service has of each. Raises Away."""
        found = []
        path = f"/api/v1/ingest/sources/{self._source}/reconciliations"
        with self._sending:
            for hour_ms, count in self._spool.hours_to_claim(before_ms=int(time.time() * 1000) - SETTLED_MS):
                answer = self._wire.post(path, json.dumps({"hour_ms": hour_ms, "count": count}).encode())
                if answer.status != 200:
                    logger.warning("The service did not reconcile an hour: %s", _sentence(answer))
                    break
                one = Reconciled(**{name: int(answer.body[name]) for name in Reconciled.__dataclass_fields__})
                if one.unexplained:
                    logger.error("%d decisions of the hour %d are unexplained.", one.unexplained, hour_ms)
                self._spool.claimed(hour_ms, count)
                found.append(one)
        return found

    def close(self, timeout_s: float = 10.0) -> bool:
        """Send what waits, at most so long, and stop; say whether nothing waits. What does stays in the spool."""
        self._over.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s + 1)
        empty = self.flush(timeout_s)
        with self._sending:
            self._wire.close()
            self._spool.close()
        return empty

    def __enter__(self) -> Self:
        """Use as a context: closed in the end."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close."""
        self.close()

    def _run(self) -> None:
        """The thread: send whenever something waits, and claim hours as they end."""
        while not self._over.is_set():
            self._wake.wait(self._every_s)
            self._wake.clear()
            try:
                while not self._over.is_set() and self._spool.count():
                    self._send_some(until=time.monotonic() + LONGEST_WAIT_S)
                if not self._over.is_set():
                    self.reconcile()
            except Away as error:
                logger.warning("%s Hours are claimed later.", error)

    def _send_some(self, *, until: float) -> None:
        """Send one batch, or wait as long as the last answer asked for."""
        wait = min(self._not_before, until) - time.monotonic()
        if wait > 0:
            time.sleep(min(wait, 0.2))
            return
        with self._sending:
            rows = self._spool.waiting(limit=self._size, most_bytes=MOST_BYTES)
            if not rows:
                return
            try:
                answer = self._wire.post("/api/v1/ingest/decisions", batch((row[0], row[2]) for row in rows))
            except Away as error:
                self._later(str(error), 0.0)
                return
            self._settle(answer, {event_id: number for number, event_id, _ in rows})

    def _settle(self, answer: Answer, sent: dict[str, int]) -> None:
        """Do as the answer says: forget what is on record, set aside what is refused, come back later for the rest."""
        if answer.status == 200:
            self._failures = 0
            there = (*answer.body.get("written", ()), *answer.body.get("already", ()))
            self._spool.settle(done=[sent[event_id] for event_id in there if event_id in sent], refused={})
            return
        named = answer.body.get("extra", {}).get("events", []) if answer.status in {400, 409} else []
        problems = {sent[one["id"]]: one["problem"] for one in named if one.get("id") in sent}
        if problems:
            logger.error("The service refused %d decisions: %s", len(problems), next(iter(problems.values())))
            self._spool.settle(done=(), refused=problems)
            return
        self._later(_sentence(answer), answer.retry_after)

    def _later(self, why: str, retry_after: float) -> None:
        """Wait longer each time, by a random part of it, and never less than the service asks for."""
        most = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**self._failures)
        self._failures += 1
        wait = max(retry_after, random.uniform(0, most))  # noqa: S311 - spreads load, keeps no secret
        self._not_before = time.monotonic() + wait
        logger.warning("Decisions wait %.1f s: %s", wait, why)


def _sentence(answer: Answer) -> str:
    return str(answer.body.get("message") or f"The service answered {answer.status}.")
