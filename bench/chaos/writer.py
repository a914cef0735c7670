"""A load generator that can itself be killed: batches of events, sent until acknowledged, noted, and only then counted.

Run: python -m bench.chaos.writer HISTORY --batch 200 --rate 3000 [--through api|database] [--port 8000]
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from bench.chaos.history import History

KIND = "chaos"
PAUSE_SECONDS = 0.05  # before a batch is sent again
Send = Callable[[list[UUID]], None]

# What the recording of an act writes, for many at once. Events that are there already are not queued again.
_INSERT = """
WITH given AS (
    SELECT * FROM unnest(%(id)s::uuid[], %(body)s::bytea[], %(salt)s::bytea[], %(digest)s::bytea[])
        AS given (id, body, salt, digest)
), new AS (
    INSERT INTO audit_auditevent (id, kind, happened_at, body, salt)
    SELECT id, %(kind)s, %(at)s, body, salt FROM given ON CONFLICT DO NOTHING RETURNING id
)
INSERT INTO audit_logqueue (id, kind, digest) SELECT id, %(kind)s, digest FROM given JOIN new USING (id)
"""


class NotAcknowledged(Exception):
    """A batch may or may not have been stored: it has to be sent again."""


def main() -> None:
    """Send batches until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("history", type=Path)
    parser.add_argument("--batch", type=int, default=200)
    parser.add_argument("--rate", type=float, default=3000, help="events a second, at most")
    options = parser.parse_args()
    import django

    django.setup()
    work(through_database(), History(options.history), batch=options.batch, rate=options.rate)


def work(send: Send, history: History, *, batch: int, rate: float) -> None:
    """Send batch after batch, at no more than `rate` events a second, for ever."""
    import uuid_utils.compat as uuids

    while True:
        ids = [uuids.uuid7() for _ in range(batch)]
        began = time.time()
        while True:
            asked = time.time()
            try:
                send(ids)
            except NotAcknowledged as error:
                sys.stderr.write(f"{error}\n")
                time.sleep(PAUSE_SECONDS)
            else:
                break
        history.add("event", asked, time.time(), ids)
        time.sleep(max(0.0, began + batch / rate - time.time()))


def through_database() -> Send:
    """Write rows as the recording of acts does, one transaction a batch."""
    from django.db import DatabaseError, InterfaceError, connection
    from django.utils import timezone

    from compliance.audit.canonical import canonical
    from compliance.audit.log.commitment import SALT_BYTES, commit
    from ranking.catalogue.clock import from_ms, to_ms

    def send(ids: list[UUID]) -> None:
        now = to_ms(timezone.now())
        bodies = [canonical({"id": str(each), "kind": KIND, "happened_ms": now, "who": "bench"}) for each in ids]
        salts = [secrets.token_bytes(SALT_BYTES) for _ in ids]
        digests = [commit(*parts) for parts in zip(ids, salts, bodies, strict=True)]
        values: dict[str, Any] = {
            "id": ids,
            "body": bodies,
            "salt": salts,
            "digest": digests,
            "kind": KIND,
            "at": from_ms(now),
        }
        try:
            with connection.cursor() as cursor:
                cursor.execute(_INSERT, values)
        except (DatabaseError, InterfaceError) as error:
            connection.close()
            raise NotAcknowledged(f"The database did not answer: {error}") from error

    return send


if __name__ == "__main__":
    main()
