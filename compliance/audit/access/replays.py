"""Replays for auditors: one at a time in a process, a few at a time in a deployment, each with its grade."""

from __future__ import annotations

import math
import threading
import time
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any, Final

from compliance.audit.locks import held
from compliance.audit.models import ServeRecord
from compliance.serving.replay import Replay, Replayer

AT_ONCE: Final = 2
"""How many replays run at once, over all processes: serving people comes first."""
KEEP_MODELS_S: Final = 60
"""For how long verified models are reused; then their files are read and verified again."""
MOST_DIFFERENCES: Final = 100
_LOCK: Final = 0x72657000  # advisory locks from here on: one a slot

_one: Final = threading.Lock()


class Busy(Exception):
    """All places for replays are taken."""

    def __init__(self) -> None:
        super().__init__("Other replays are running, as many as this service runs at once. Try again in a second.")


def replay_of(record: ServeRecord) -> dict[str, Any]:
    """Decide a slate again, from its record alone; which grade held, and what differs. Raises Busy, VaultRefused."""
    if not _one.acquire(blocking=False):
        raise Busy
    try:
        with _slot():
            started = time.perf_counter()
            outcome = _replayer(int(time.monotonic()) // KEEP_MODELS_S).replay(record)
            return _document(outcome, time.perf_counter() - started)
    finally:
        _one.release()


@lru_cache(maxsize=1)
def _replayer(period: int) -> Replayer:
    """The replayer of a minute."""
    return Replayer()


def _slot() -> AbstractContextManager[None]:
    return held(range(_LOCK, _LOCK + AT_ONCE), busy=Busy())


def _document(outcome: Replay, seconds: float) -> dict[str, Any]:
    """An outcome, as it is shown."""
    largest = outcome.largest_difference
    differences = [{"what": one.what, "recorded": one.recorded, "found": one.found} for one in outcome.differences]
    return {
        "serve_id": outcome.serve_id,
        "grade": outcome.grade.value,
        "promised": outcome.promised.value,
        "kept": outcome.kept,
        "identical": outcome.identical,
        "differences": differences[:MOST_DIFFERENCES],
        "differences_count": len(differences),
        "largest_difference": largest if largest is not None and math.isfinite(largest) else None,
        "environment_differs": list(outcome.environment_differs),
        "only_close": list(outcome.only_close),
        "milliseconds": round(seconds * 1000),
    }
