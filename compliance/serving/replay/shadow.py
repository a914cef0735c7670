"""The daily shadow replay: a sample of yesterday's slates, on record with what came out of it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from compliance.audit.events import note
from compliance.audit.models import AuditEvent, LogCheckpoint, ServeRecord
from compliance.audit.selectors import document_of
from compliance.audit.witnessing import meters
from compliance.serving.replay.choice import Window, by_ids, drawn
from compliance.serving.replay.replayer import Replayer
from compliance.serving.replay.report import Report

KIND: Final = "shadow_replay"
SHARE: Final = 0.01
AT_LEAST: Final = 20
AT_MOST: Final = 20_000
MOST_NAMED: Final = 100
"""How many broken records an event names; it counts all."""

Document = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Shadow:
    """The outcome of one shadow replay, as it is on record. `day` is a date in UTC."""

    day: str
    records: int  # of that day
    drawn: int
    replayed: int  # fewer where the time ran out
    broken: int
    failed: tuple[str, ...]  # serve ids, 100 of them at most

    @property
    def alarming(self) -> bool:
        """Whether somebody must look: a record broke its promise, or not even half of those drawn were replayed."""
        return self.broken > 0 or 2 * self.replayed < self.drawn

    def __str__(self) -> str:
        return (
            f"Shadow replay of {self.day}: {self.broken:,} of {self.replayed:,} replayed records do not keep what they "
            f"promised ({self.drawn:,} drawn of {self.records:,})."
        )


def shadow_replay(*, now: datetime, budget_s: float) -> Shadow:
    """Replay a share of yesterday's slates and put the outcome on record; a day that was done is not done again.

    Which ones is drawn with the newest signed root of the log, so that nobody could know before the day was over.
    No replay begins after `budget_s` seconds. Raises VaultRefused where the folder of keys cannot be used.
    """
    day = (now - timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    done = latest_shadow()
    if done is not None and done.day >= day.date().isoformat():
        return done
    window = Window(since=day, until=day + timedelta(days=1))
    total, seed = window.count(), _seed(day)
    ids = drawn(min(AT_MOST, max(AT_LEAST, math.ceil(SHARE * total))), seed=seed, window=window)
    report, began = Report(), time.monotonic()
    for outcome in Replayer().replay_all(_until(began + budget_s, by_ids(ids))):
        report.add(outcome)
    what = {
        "day": day.date().isoformat(),
        "seed": seed,
        "records": total,
        "drawn": len(ids),
        "ms": int((time.monotonic() - began) * 1000),
        "failed": [outcome.serve_id for outcome in report.broken[:MOST_NAMED]],
        **report.document(),
        "broken": len(report.broken),
    }
    with transaction.atomic():
        note(kind=KIND, happened_at=now, what=what)
        meters.put({"shadow.replayed": report.total, "shadow.broken": len(report.broken)})
    return _shadow(what)


def latest_shadow() -> Shadow | None:
    """The newest shadow replay on record; None where there was none yet."""
    event = AuditEvent.objects.filter(kind=KIND).order_by("-id").first()
    return None if event is None else _shadow(document_of(event))


def _until(deadline: float, records: Iterator[ServeRecord]) -> Iterator[ServeRecord]:
    for record in records:
        if time.monotonic() > deadline:
            return
        yield record


def _seed(day: datetime) -> str:
    newest = LogCheckpoint.objects.order_by("-size").first()
    return f"{KIND} {day.date().isoformat()} {'' if newest is None else bytes(newest.root).hex()}"


def _shadow(document: Document) -> Shadow:
    numbers = {name: document[name] for name in ("day", "records", "drawn", "replayed", "broken")}
    return Shadow(**numbers, failed=tuple(document["failed"]))
