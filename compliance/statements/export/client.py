"""The DSA Transparency Database over HTTP: post one, post a batch, ask for an identifier. Bounded in time and size."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final
from urllib.parse import quote, urlsplit

from django.core.exceptions import ImproperlyConfigured

PATIENCE_S: Final = 10.0
MOST_ANSWER: Final = 4 * 1024 * 1024
_SECONDS: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
HERE: Final = frozenset(("127.0.0.1", "::1", "localhost"))


class Away(Exception):
    """No answer came, or none that can be used: it is tried again later."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A status with its JSON document. `retry_after` is in seconds, 0 where the answer names none."""

    status: int
    document: dict[str, Any]
    retry_after: int = 0


@dataclass(frozen=True, kw_only=True)
class Client:
    """Where statements go (the address before `/api/v1/`), and the bearer token that says whose they are."""

    url: str
    token: str = field(repr=False)
    patience_s: float = PATIENCE_S

    def __post_init__(self) -> None:
        """Refuse what would send the token in the clear. Raises ImproperlyConfigured."""
        parts = urlsplit(self.url)
        secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in HERE)
        if not secure or not parts.hostname:
            raise ImproperlyConfigured(
                "Statements are sent over https only: set CLERESTORY_STATEMENTS_URL to an https address."
            )
        if not self.token or not self.token.isascii() or not self.token.isprintable():
            raise ImproperlyConfigured("There is no token to send statements with: set CLERESTORY_STATEMENTS_TOKEN.")

    def post(self, body: bytes) -> Answer:
        """Send one statement. Raises Away."""
        return self._ask("POST", "/api/v1/statement", body)

    def post_all(self, bodies: list[bytes]) -> Answer:
        """Send a batch, which is taken whole or not at all. Raises Away."""
        return self._ask("POST", "/api/v1/statements", b'{"statements":[' + b",".join(bodies) + b"]}")

    def is_there(self, puid: str) -> bool:
        """Whether the database has a statement under this identifier. Raises Away where it does not say."""
        answer = self._ask("GET", f"/api/v1/statement/existing-puid/{quote(puid, safe='')}", None)
        if answer.status not in (302, 404):
            raise Away(f"The database answered {answer.status} when it was asked for an identifier.")
        return answer.status == 302

    def _ask(self, method: str, path: str, body: bytes | None) -> Answer:
        parts = urlsplit(self.url)
        made = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = made(str(parts.hostname), parts.port, timeout=self.patience_s)
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, parts.path.rstrip("/") + path, body=body, headers=headers)
            response = connection.getresponse()  # redirections are answers here, and are not followed
            content = response.read(MOST_ANSWER + 1)
            waits = response.headers.get("Retry-After", "")
        except (OSError, HTTPException) as error:
            raise Away(f"The database gave no answer ({type(error).__name__}).") from error
        finally:
            connection.close()
        retry_after = int(waits) if _SECONDS.fullmatch(waits) else 0
        return Answer(status=response.status, document=_document(content), retry_after=retry_after)


def _document(content: bytes) -> dict[str, Any]:
    """The answer's JSON object; empty where it is none: the status alone counts then."""
    if len(content) > MOST_ANSWER:
        return {}
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
