"""What tests of keys have in common: threads with a connection of their own, and the schedule's rotation."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

from django.db import connection

from compliance.audit.keys.orders import SCHEDULE
from compliance.audit.keys.rotation import Rotation
from compliance.audit.keys.services import rotate

Answer = TypeVar("Answer")
WHY = "asked for it"


def in_thread(pool: ThreadPoolExecutor, work: Callable[[], Answer]) -> Future[Answer]:
    """Run something on another connection."""

    def alone() -> Answer:
        with closing(connection):
            return work()

    return pool.submit(alone)


def waits(future: Future[Answer]) -> bool:
    """Tell whether something is still waiting after as long as it would need alone."""
    try:
        future.exception(timeout=0.3)
    except TimeoutError:
        return True
    return False


def rotated() -> Rotation:
    """Rotate as the schedule does."""
    return rotate(by=SCHEDULE, why="it is time")
