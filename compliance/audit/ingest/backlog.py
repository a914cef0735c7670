"""Back-pressure: when the log is behind, producers are asked to wait. They keep what they have in their spool."""

from __future__ import annotations

import time
from typing import Final

from django.conf import settings
from django.db import connection

FRESH_S: Final = 1.0
RETRY_S: Final = 5


class Overloaded(Exception):
    """More decisions wait for the log than it takes in time, so none was written. `retry_after` is in seconds."""

    def __init__(self, waiting: int) -> None:
        self.retry_after = RETRY_S
        super().__init__(
            f"At least {waiting:,} decisions wait for the log, so nothing was written. Keep the batch and send it "
            "again later."
        )


class _Seen:
    """How long the queue was when this process last looked."""

    at, waiting = float("-inf"), 0


def refuse_backlog() -> None:
    """Raise Overloaded when the log's queue is as long as settings allow. The look is at most a second old."""
    limit = settings.INGEST_QUEUE
    now = time.monotonic()
    if now - _Seen.at > FRESH_S or _Seen.waiting >= limit:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM (SELECT FROM audit_logqueue LIMIT %s) AS waiting", [limit])
            _Seen.at, _Seen.waiting = now, cursor.fetchone()[0]
    if _Seen.waiting >= limit:
        raise Overloaded(_Seen.waiting)
