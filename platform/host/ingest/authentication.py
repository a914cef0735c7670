"""Sign-in of other rankers: a bearer key for each source, and nothing that a browser sends by itself."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from compliance.audit.ingest.sources import Source, source_of
from host.api.refusal import Refusal

SCHEME: Final = "Bearer "
LONGEST: Final = 200
REFUSED: Final = (
    "The Authorization header carries no key of a source that may write here, so nothing was done. Send "
    "`Authorization: Bearer KEY` with the key that `manage.py ingest_source add` showed, or ask the operator for one."
)


class KeyRefused(Refusal):
    """No key, a wrong one, or one that was revoked: all the same to who asks."""

    auth_header: Final = 'Bearer realm="clerestory"'

    def __init__(self) -> None:
        super().__init__(REFUSED, status=401)


class Producer:
    """What the framework takes for a user: rate limits count by `pk`."""

    is_authenticated: Final = True

    def __init__(self, name: str) -> None:
        self.pk = f"source-{name}"


class SourceKey(BaseAuthentication):
    """`Authorization: Bearer KEY`. Cookies and sessions count for nothing here, so there is nothing to forge."""

    def authenticate(self, request: Request) -> tuple[Producer, Source]:
        """Return the producer and the source. Raises KeyRefused."""
        header = str(request.META.get("HTTP_AUTHORIZATION", ""))
        source = None
        if header.startswith(SCHEME) and len(header) <= LONGEST and header.isascii() and header.isprintable():
            source = source_of(header.removeprefix(SCHEME))
        if source is None:
            raise KeyRefused
        return Producer(source.name), source

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme."""
        return KeyRefused.auth_header


class IsSource(BasePermission):
    """A source that showed its key."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether there is one."""
        return isinstance(request.auth, Source)


class SourceKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Names the bearer key as the way to sign in."""

    target_class = "host.ingest.authentication.SourceKey"
    name = "source"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Describe the header."""
        return {"type": "http", "scheme": "bearer", "description": "The key of one source of decisions."}
