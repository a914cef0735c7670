"""A load generator that can itself be killed: batches sent until acknowledged, noted on disk, and only then counted.

Run: python -m bench.chaos.writer HISTORY --batch 250 --rate 3000 [--port 8000 --key FILE]
With a port it posts decisions to the ingest API, else it writes acts to the database as their recording does.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
import uuid
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Protocol

from bench.chaos.history import History

KIND = "chaos"
PAUSE_SECONDS = 0.05  # before a batch is sent again
TIMEOUT_SECONDS = 30.0
PSEUDONYMS, ITEMS = 200, 3
INGEST = "/api/v1/ingest/decisions"


class Sender(Protocol):
    """One way in."""

    kind: str

    def made(self, count: int) -> Any:
        """A new batch."""

    def send(self, batch: Any) -> list[str]:
        """Send a batch, perhaps again; return the ids that were acknowledged. Raises NotAcknowledged."""


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
    parser.add_argument("--batch", type=int, default=250)
    parser.add_argument("--rate", type=float, default=3000, help="events a second, at most")
    parser.add_argument("--port", type=int, help="of the web process")
    parser.add_argument("--key", type=Path, help="the file that holds the source's key")
    options = parser.parse_args()
    sender: Sender = ThroughDatabase() if options.port is None else ThroughApi(options.port, options.key.read_text())
    work(sender, History(options.history), batch=options.batch, rate=options.rate)


def work(sender: Sender, history: History, *, batch: int, rate: float) -> None:
    """Send batch after batch, at no more than `rate` events a second, for ever."""
    while True:
        began = time.time()
        events = sender.made(batch)
        while True:
            asked = time.time()
            try:
                ids = sender.send(events)
            except NotAcknowledged as error:
                sys.stderr.write(f"{error}\n")
                time.sleep(PAUSE_SECONDS)
            else:
                break
        history.add(sender.kind, asked, time.time(), ids)
        time.sleep(max(0.0, began + batch / rate - time.time()))


class ThroughApi:
    """Decisions of another ranker, over HTTP on a kept connection."""

    kind = "decision"

    def __init__(self, port: int, key: str) -> None:
        self.port = port
        self.headers = {"Authorization": f"Bearer {key.strip()}", "Content-Type": "application/json"}
        self.connection: HTTPConnection | None = None
        # Numbers begin at the present microsecond: higher than any that an earlier process of this source gave.
        self.sequence = time.time_ns() // 1000
        self.pseudonyms = [str(uuid.UUID(int=number, version=4)) for number in range(PSEUDONYMS)]

    def made(self, count: int) -> bytes:
        """A body of so many decisions about a few people."""
        from tests.compliance.ingest.made_decisions import decision

        numbers = range(self.sequence, self.sequence + count)
        self.sequence += count
        people = self.pseudonyms
        events = [decision(number, items=ITEMS, pseudonym=people[number % PSEUDONYMS]) for number in numbers]
        return json.dumps({"events": events}).encode()

    def send(self, batch: bytes) -> list[str]:
        """Post it; what was written before counts as acknowledged too."""
        if self.connection is None:
            self.connection = HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        try:
            self.connection.request("POST", INGEST, batch, self.headers)
            response = self.connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, HTTPException, ValueError) as error:
            self.connection.close()
            self.connection = None
            raise NotAcknowledged(f"No answer came: {error!r}") from error
        if response.status in (429, 503):
            raise NotAcknowledged(f"{response.status}: {answer['message']}")
        if response.status != 200:
            sys.exit(f"A batch was refused with {response.status}: {answer}")
        return [*answer["written"], *answer["already"]]


class ThroughDatabase:
    """Acts of no person, written as their recording does, one transaction a batch."""

    kind = "event"

    def __init__(self) -> None:
        import django

        django.setup()

    def made(self, count: int) -> dict[str, Any]:
        """The columns of so many acts."""
        import uuid_utils.compat as uuids
        from django.utils import timezone

        from compliance.audit.canonical import canonical
        from compliance.audit.log.commitment import SALT_BYTES, commit
        from ranking.catalogue.clock import from_ms, to_ms

        now = to_ms(timezone.now())
        ids = [uuids.uuid7() for _ in range(count)]
        bodies = [canonical({"id": str(each), "kind": KIND, "happened_ms": now, "who": "bench"}) for each in ids]
        salts = [secrets.token_bytes(SALT_BYTES) for _ in ids]
        digests = [commit(*parts) for parts in zip(ids, salts, bodies, strict=True)]
        return {"id": ids, "body": bodies, "salt": salts, "digest": digests, "kind": KIND, "at": from_ms(now)}

    def send(self, batch: dict[str, Any]) -> list[str]:
        """Write what is not there yet."""
        from django.db import DatabaseError, InterfaceError, connection

        try:
            with connection.cursor() as cursor:
                cursor.execute(_INSERT, batch)
        except (DatabaseError, InterfaceError) as error:
            connection.close()
            raise NotAcknowledged(f"The database did not answer: {error}") from error
        return [str(each) for each in batch["id"]]


if __name__ == "__main__":
    main()
