"""What the OpenAPI schema says beyond the serializers: sign-in, query parameters, the one shape of error."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers

MEANINGS: Final = {
    400: "The body, the query or a header is not as this schema says; `message` or `extra` names what is wrong.",
    401: "Not signed in, or the sign-in has expired.",
    403: "The request does not prove that it comes from the person's own page (CSRF).",
    404: "It does not exist, or it may not be shown to this person.",
    409: "A rule does not allow it, or the idempotency key belongs to another request.",
    413: "The body is larger than this address reads.",
    415: "Not application/json in UTF-8.",
    422: "Well-formed, but it names items or slates that are not there for this person. Nothing was stored.",
    429: "Too many requests; Retry-After says when to come back.",
    503: "The database or the ranker does not answer in time, so nothing was served or stored; see Retry-After.",
}


class SignedInSessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Names the session cookie as the way to sign in."""

    target_class = "host.api.authentication.SignedInSession"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Describe the cookie."""
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "The session of the pages. Requests that write also need the X-CSRFToken header.",
        }


class DeclaredQuery(AutoSchema):
    """Describes the query parameters that a view declares: the class that refuses is the class that documents."""

    def get_override_parameters(self) -> list[Any]:
        """Add the view's own, on reads."""
        parameters = list(super().get_override_parameters())
        query_class = getattr(self.view, "query_class", None)
        if self.method == "GET" and query_class is not None and query_class().fields:
            parameters.append(query_class)
        return parameters


class ErrorShape(serializers.Serializer[Any]):
    """Every error: a sentence that says what to do, and details for a program."""

    message = serializers.CharField()
    extra = serializers.DictField()


def errors(*codes: int) -> dict[int, OpenApiResponse]:
    """Return the responses of a view that may refuse with `codes`, each with what it means."""
    return {code: OpenApiResponse(ErrorShape, description=MEANINGS[code]) for code in codes}
