"""In front of everything: as many requests at once as a process answers in time, and for the rest a time to come back.

Without a limit every request more makes all others slower, until nobody is answered in time. And while a database
hangs, only so many threads hang with it: whoever comes then is told at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from threading import BoundedSemaphore
from typing import Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from prometheus_client import Counter

from host.api.refusal import body

INGEST: Final = "/api/v1/ingest/"
AUDIT: Final = "/api/v1/audit/"
AUDIT_PLACES: Final = 2
"""Of auditors' reads, some of which replay or walk months, in one process."""
API: Final = "/api/"
# Answered always: they tell whether the process lives, or hand out files.
FREE: Final = ("/healthz", "/readyz", "/metrics", "/log/", "/static/")
RETRY_SECONDS: Final = 2
SENTENCE: Final = (
    "This server is answering as many requests as it can in time, so nothing was served and nothing was stored. "
    "Try again in a few seconds."
)
SHED: Final = Counter("clerestory_requests_shed", "Requests that were told to come back, for want of a place", ["kind"])


def with_bounded_work(application: WSGIApplication, *, places: int, ingest_places: int) -> WSGIApplication:
    """Wrap a WSGI application so that each process works on so many requests at once, and on so many ingested batches.

    Batches and auditors' reads have places of their own: producers, auditors and people cannot keep each other out.
    The server needs more
    threads than there are places, or there is none to refuse with. A place is free again when the application has
    returned, which is when an answer that is no stream is complete.
    """
    gates = {
        "ingest": BoundedSemaphore(ingest_places),
        "audit": BoundedSemaphore(AUDIT_PLACES),
        "other": BoundedSemaphore(places),
    }

    def bounded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        if path.startswith(FREE):
            return application(environ, start_response)
        kind = "ingest" if path.startswith(INGEST) else "audit" if path.startswith(AUDIT) else "other"
        if not gates[kind].acquire(blocking=False):
            SHED.labels(kind).inc()
            return _come_back(path, start_response)
        try:
            return application(environ, start_response)
        finally:
            gates[kind].release()

    return bounded


def _come_back(path: str, start_response: StartResponse) -> Iterable[bytes]:
    """Answer 503 with the sentence, in the API's shape under /api/."""
    is_api = path.startswith(API)
    content = json.dumps(body(SENTENCE)).encode() if is_api else f"{SENTENCE}\n".encode()
    headers = [
        ("Content-Type", "application/json" if is_api else "text/plain; charset=utf-8"),
        ("Content-Length", str(len(content))),
        ("Retry-After", str(RETRY_SECONDS)),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    start_response("503 Service Unavailable", headers)
    return [content]
