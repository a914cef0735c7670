"""The base of the API's views: envelope and query are judged before sign-in, and before anything is read."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.views import APIView

from compliance.subjects.models import Subject
from host.accounts.models import User
from host.accounts.services import subject_of
from host.api.envelope import check_envelope
from host.api.parsers import MAX_BYTES
from host.api.query import QueryParameters, read_query
from host.api.refusal import Refusal

IDEMPOTENCY_KEY: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


class JSONView(APIView):
    """A view that reads JSON bodies of at most `max_bytes`, and on GET the parameters of `query_class`.

    Other methods take no parameters. Nothing in a header changes the method.
    """

    http_method_names: ClassVar[list[str]] = ["get", "head", "post", "put", "patch", "delete"]  # type: ignore[misc]
    max_bytes: ClassVar[int] = MAX_BYTES
    query_class: ClassVar[type[QueryParameters]] = QueryParameters
    asked: dict[str, Any]  # the query's values, typed

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse a wrong method (405), body, media type, size or query (400, 413, 415) before sign-in and parsing."""
        method = str(request.method).lower()
        if method not in self.http_method_names or not hasattr(self, method):
            raise MethodNotAllowed(method)
        check_envelope(request, max_bytes=self.max_bytes)
        taken = self.query_class if method in {"get", "head"} else QueryParameters
        self.asked = read_query(str(request.META.get("QUERY_STRING", "")), taken)
        super().initial(request, *args, **kwargs)


def asker(request: Request) -> Subject:
    """Return the signed-in person's subject."""
    user = request.user
    assert isinstance(user, User)  # noqa: S101 - IsAuthenticated lets nobody else through
    return subject_of(user=user)


def idempotency_key(request: Request) -> str:
    """Return the Idempotency-Key header, or "" when there is none; refuse one that is not plain text."""
    if "Idempotency-Key" not in request.headers:
        return ""
    key = request.headers["Idempotency-Key"]
    if not IDEMPOTENCY_KEY.fullmatch(key):
        raise Refusal(
            "The Idempotency-Key header is not 1 to 64 letters, digits, or one of . : _ -, so nothing was served. "
            "A random UUID is a good key.",
            status=400,
        )
    return key
