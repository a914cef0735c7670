"""A small real HTTP server that answers as the DSA Transparency Database does: 201, 302, 401, 404, 422, 429."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from compliance.statements.standin.store import Limits, Reply, Store

MOST_BODY: Final = 16 * 1024 * 1024
EXISTING: Final = "/api/v1/statement/existing-puid/"
BY_UUID: Final = "/api/v1/statement/"


@dataclass(kw_only=True)
class StandIn:
    """One running stand-in, and what it is told to do wrong: `fail` holds statuses to answer with, first first.

    `lose` says how many statements it takes without answering, as when a connection breaks at the wrong moment.
    """

    token: str
    store: Store = field(default_factory=Store)
    limits: Limits = field(default_factory=Limits)
    fail: list[int] = field(default_factory=list)
    lose: int = 0
    requests: int = 0
    url: str = ""

    def answer(self, method: str, path: str, authorization: str, body: bytes) -> tuple[int, dict[str, Any], int]:
        """Status, document and seconds to wait (429)."""
        self.requests += 1
        if not secrets.compare_digest(authorization.encode(), f"Bearer {self.token}".encode()):
            return 401, {"message": "Unauthenticated."}, 0
        if self.fail:
            status = self.fail.pop(0)
            return status, {"message": "Too Many Attempts." if status == 429 else "Server Error"}, status == 429
        if wait := self.limits.wait(time.monotonic()):
            return 429, {"message": "Too Many Attempts."}, wait
        return *self._routed(method, path, body), 0

    def _routed(self, method: str, path: str, body: bytes) -> Reply:
        if method == "GET" and path.startswith(EXISTING):
            return self.store.existing(path.removeprefix(EXISTING))
        if method == "GET" and path.startswith(BY_UUID):
            return self.store.by_uuid(path.removeprefix(BY_UUID))
        if method != "POST" or path not in ("/api/v1/statement", "/api/v1/statements"):
            return 404, {"message": "Not Found"}
        try:
            given = json.loads(body)
        except ValueError:
            given = {}
        return self.store.many(given) if path.endswith("s") else self.store.one(given)


class _Handler(BaseHTTPRequestHandler):
    standin: StandIn
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._reply(b"")

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self._reply(self.rfile.read(min(length, MOST_BODY)))

    def _reply(self, body: bytes) -> None:
        authorization = self.headers.get("Authorization", "")
        status, document, wait = self.standin.answer(str(self.command), self.path, authorization, body)
        if status == 201 and self.standin.lose:
            self.standin.lose -= 1
            self.close_connection = True
            return
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        if wait:
            self.send_header("Retry-After", str(wait))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
        """Say nothing: bodies and addresses of tests are nobody's business."""


@contextmanager
def standing_in(*, token: str, port: int = 0, **told: Any) -> Iterator[StandIn]:
    """Run one on this machine's loopback until the block ends; `port` 0: any that is free."""
    standin = StandIn(token=token, **told)
    handler = type("Handler", (_Handler,), {"standin": standin})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    standin.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield standin
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
