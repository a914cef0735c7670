"""A process that is busy enough says so at once, and when to come back; it is never too busy to say that it lives."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment
from wsgiref.util import setup_testing_defaults

import pytest

from host.admission import with_bounded_work


class Working:
    """An application that works until it is told to finish."""

    def __init__(self) -> None:
        self.finish = threading.Event()
        self.begun = threading.Semaphore(0)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.begun.release()
        assert self.finish.wait(20)
        if environ["PATH_INFO"] == "/breaks":
            raise RuntimeError("broken")
        start_response("200 OK", [])
        return [b"done"]


def ask(application: WSGIApplication, path: str) -> tuple[str, dict[str, str], bytes]:
    environ: dict[str, Any] = {"PATH_INFO": path}
    setup_testing_defaults(environ)
    seen: list[Any] = []
    content = b"".join(application(environ, lambda *answer: seen.append(answer)))  # type: ignore[arg-type]
    status, headers = seen[0]
    return status, dict(headers), content


def begin(application: WSGIApplication, path: str) -> threading.Thread:
    def swallow() -> None:
        try:
            ask(application, path)
        except RuntimeError:
            return

    thread = threading.Thread(target=swallow)
    thread.start()
    return thread


@pytest.mark.parametrize("path", ["/api/v1/feed", "/api/v1/ingest/decisions", "/api/v1/audit/records", "/"])
def test_who_finds_no_place_is_told_at_once_when_to_come_back(path: str) -> None:
    working = Working()
    application = with_bounded_work(working, places=2, ingest_places=2)
    threads = [begin(application, path) for _ in range(2)]
    for _ in threads:
        assert working.begun.acquire(timeout=20)
    status, headers, content = ask(application, path)
    assert status.startswith("503")
    assert headers["Retry-After"] == "2"
    assert headers["Cache-Control"] == "no-store"
    sentence = json.loads(content)["message"] if path.startswith("/api/") else content.decode().strip()
    assert sentence.endswith("Try again in a few seconds.")
    working.finish.set()
    for thread in threads:
        thread.join(20)
    assert ask(application, path)[0] == "200 OK", "a place is free again"


def test_producers_and_people_do_not_take_each_others_places_and_health_needs_none() -> None:
    working = Working()
    application = with_bounded_work(working, places=1, ingest_places=1)
    people = begin(application, "/api/v1/feed")
    assert working.begun.acquire(timeout=20)
    producer = begin(application, "/api/v1/ingest/decisions")
    assert working.begun.acquire(timeout=20), "the producer has a place of its own"
    auditor = begin(application, "/api/v1/audit/samples")
    assert working.begun.acquire(timeout=20), "so has an auditor"
    health = begin(application, "/healthz")
    assert working.begun.acquire(timeout=20), "health needs none"
    assert ask(application, "/api/v1/ingest/decisions")[0].startswith("503")
    working.finish.set()
    for thread in (people, producer, auditor, health):
        thread.join(20)


def test_work_that_breaks_gives_its_place_back() -> None:
    working = Working()
    working.finish.set()
    application = with_bounded_work(working, places=1, ingest_places=1)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="broken"):
            ask(application, "/breaks")
    assert ask(application, "/")[0] == "200 OK"
