"""People who ask for lists and react to them, over HTTP; each request is repeated until it is answered."""

from __future__ import annotations

import contextlib
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from typing import Any

from bench.chaos.history import History
from bench.chaos.house import House, Person

FEED, EVENTS = "/api/v1/feed", "/api/v1/events"
TIMEOUT_SECONDS = 10.0
PAUSE_SECONDS = 0.1


class Answer:
    """A status (0: none came), the document, and the header that says when to come back."""

    def __init__(self, status: int, document: Any = None, retry_after: str = "") -> None:
        self.status, self.document, self.retry_after = status, document, retry_after


def ask(port: int, path: str, headers: dict[str, str], body: dict[str, Any], *, seconds: float) -> Answer:
    """One request on a connection of its own."""
    connection = HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("POST", path, json.dumps(body), headers)
        response = connection.getresponse()
        content = response.read()
        document = json.loads(content) if response.headers.get_content_type() == "application/json" else None
        return Answer(response.status, document, response.headers.get("Retry-After", ""))
    except (OSError, HTTPException, ValueError):
        return Answer(0)
    finally:
        connection.close()


class Visitor(threading.Thread):
    """One person: asks for a list, likes its first item, waits, asks again."""

    def __init__(self, house: House, person: Person, history: History, statuses: Counter[int], every: float) -> None:
        super().__init__(daemon=True)
        self.house, self.person, self.history, self.statuses, self.every = house, person, history, statuses, every
        self.leaving = threading.Event()

    def run(self) -> None:
        """Go on until told to leave."""
        while not self.leaving.wait(self.every):
            slate = self._answered(FEED, {"surface": "home"}, str(uuid.uuid4()), "slate")
            if slate is None or not slate["items"]:
                continue
            self.history.add("slate", self.asked, time.time(), [slate["serve_id"]])
            moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            event = {"id": str(uuid.uuid4()), "item": slate["items"][0]["id"], "action": "like", "occurred_at": moment}
            if self._answered(EVENTS, {"events": [event]}, "", "reaction") is not None:
                self.history.add("reaction", self.asked, time.time(), [self._stored(event["id"])])

    def _stored(self, event_id: str) -> uuid.UUID:
        """Where the person's own event is to be found (`ranking.catalogue.services.stored_id`)."""
        return uuid.uuid5(uuid.UUID(self.person.subject), uuid.UUID(event_id).hex)

    def _answered(self, path: str, body: dict[str, Any], key: str, what: str) -> Any:
        headers = {**self.person.headers, **({"Idempotency-Key": key} if key else {})}
        while not self.leaving.is_set():
            self.asked = time.time()
            answer = ask(self.house.port, path, headers, body, seconds=TIMEOUT_SECONDS)
            self.statuses[answer.status] += 1
            if answer.status in (200, 201):
                return answer.document
            if 400 <= answer.status < 429:
                raise AssertionError(f"A {what} was answered {answer.status}: {answer.document}")
            self.leaving.wait(PAUSE_SECONDS)
        return None


@contextlib.contextmanager
def visitors(house: House, count: int, every: float) -> Iterator[Counter[int]]:
    """So many people at once, each waiting so many seconds between lists; what was answered, by status."""
    statuses: Counter[int] = Counter()
    crowd = [
        Visitor(house, person, History(house.histories / f"visitor-{number}.history"), statuses, every)
        for number, person in enumerate(house.people[:count])
    ]
    for visitor in crowd:
        visitor.start()
    try:
        yield statuses
    finally:
        for visitor in crowd:
            visitor.leaving.set()
        for visitor in crowd:
            visitor.join(2 * TIMEOUT_SECONDS)
