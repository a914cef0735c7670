"""One kept connection to the service. Whatever goes wrong on the way is `Away`; what it answers is an `Answer`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 60.0


class Away(Exception):
    """The service did not answer. Nothing is known of what became of the request."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the service said. `retry_after` is in seconds; 0 where it named no time."""

    status: int
    body: dict[str, Any]
    retry_after: float


class Wire:
    """Requests of one source to one service."""

    def __init__(self, url: str, key: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{url!r} is no address of a service: it starts with https:// or http://.")
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=TIMEOUT_S)
        self._prefix = parts.path.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def post(self, path: str, body: bytes) -> Answer:
        """Post JSON. Raises Away."""
        try:
            self._connection.request("POST", self._prefix + path, body, self._headers)
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, HTTPException) as error:
            self._connection.close()
            raise Away(f"The service did not answer ({type(error).__name__}: {error}).") from error
        try:
            found = json.loads(content)
        except ValueError:
            found = None
        retry_after = response.headers.get("Retry-After", "")
        return Answer(
            status=response.status,
            body=found if isinstance(found, dict) else {},
            retry_after=float(retry_after) if retry_after.isascii() and retry_after.isdecimal() else 0.0,
        )

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
