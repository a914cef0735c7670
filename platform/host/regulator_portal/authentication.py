"""Sign-in to the audit API: an auditor's bearer key, or the session of an account with the role of a regulator."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from compliance.audit.access.auditors import reader_of
from compliance.audit.access.viewing import READING, Reader
from host.accounts.models import Role, User
from host.api.refusal import Refusal

SCHEME: Final = "Bearer "
LONGEST: Final = 200
CHALLENGE: Final = 'Bearer realm="clerestory audit"'
NO_KEY: Final = (
    "The Authorization header carries no auditor's key that holds, so nothing is shown. Send `Authorization: Bearer "
    "KEY` with a key that `manage.py auditor add` showed and that has not expired, or sign in as a regulator."
)
NOT_YOURS: Final = (
    "The audit API is for regulators and vetted auditors, so nothing is shown. Your own records are at "
    "/api/v1/serves/; ask the operator for an auditor's key if you have a mandate."
)


class KeyHolder:
    """What the framework takes for a user: rate limits count by `pk`."""

    is_authenticated = True

    def __init__(self, name: str) -> None:
        self.pk = f"auditor-{name}"


class AuditorSignIn(BaseAuthentication):
    """`Authorization: Bearer KEY`. With no such header, it is the session's turn."""

    def authenticate(self, request: Request) -> tuple[KeyHolder, Reader] | None:
        """Return the key's holder. Raises Refusal (401) where the header is there and no key is."""
        header = request.META.get("HTTP_AUTHORIZATION")
        if header is None:
            return None
        reader = None
        if header.startswith(SCHEME) and len(header) <= LONGEST and header.isascii() and header.isprintable():
            reader = reader_of(header.removeprefix(SCHEME))
        if reader is None:
            raise no_key()
        return KeyHolder(reader.name), reader

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme."""
        return CHALLENGE


class MayRead(BasePermission):
    """A reader whose key, or role, has the scope of the address."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether there is one. Raises Refusal (401, 403) that says which scope is missing."""
        reader = reader_behind(request)
        if view.scope and view.scope not in reader.scopes:
            raise Refusal(
                f"This key is not for {view.scope} (it is for {', '.join(sorted(reader.scopes))}), so nothing is "
                "shown. Ask the operator for one that is.",
                status=403,
            )
        return True


def reader_behind(request: Request) -> Reader:
    """Who asks. Raises Refusal: 401 for nobody, 403 for those who are no auditors."""
    if isinstance(request.auth, Reader):
        return request.auth
    user = request.user
    if not isinstance(user, User):
        raise no_key()
    if user.role != Role.REGULATOR:
        raise Refusal(NOT_YOURS, status=403)
    return Reader(name=f"account {user.pk}", by="account", scopes=READING)


def no_key() -> Refusal:
    """The refusal of somebody with no key: a wrong, an expired and a revoked one are all the same to who asks."""
    refusal = Refusal(NO_KEY, status=401)
    refusal.auth_header = CHALLENGE  # type: ignore[attr-defined]
    return refusal


class AuditorSignInScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Names the bearer key as a way to sign in."""

    target_class = "host.regulator_portal.authentication.AuditorSignIn"
    name = "auditor"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Describe the header."""
        return {"type": "http", "scheme": "bearer", "description": "An auditor's key, for the scopes it was given."}
