"""What is wrong with a request before its body is read: media type, announced size, a body where none belongs."""

from __future__ import annotations

from typing import Final

from django.http import Http404
from rest_framework.request import Request

from host.api.parsers import too_large
from host.api.refusal import SENTENCES, Refusal

WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
CHUNKED: Final = (
    "The body came in chunks (Transfer-Encoding), so its size was not known before it was read, and nothing was "
    "stored. Send it whole, with Content-Length."
)
NO_BODY: Final = "This method takes no body, so nothing was done. Send the request again without one."


def check_envelope(request: Request, *, max_bytes: int) -> None:
    """Refuse (400, 404, 413, 415) what no view could read rightly. Nothing of the body is read."""
    if "\x00" in request.path_info:
        raise Http404
    if "Transfer-Encoding" in request.headers:
        raise Refusal(CHUNKED, status=400)
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    if request.method not in WITH_BODY:
        if length:
            raise Refusal(NO_BODY, status=400)
        return
    if not _is_json(str(request.META.get("CONTENT_TYPE", ""))):
        raise Refusal(SENTENCES[415], status=415)
    if length > max_bytes:
        raise too_large(max_bytes)


def _is_json(content_type: str) -> bool:
    media_type, _, parameters = content_type.partition(";")
    charset = parameters.strip().lower()
    return media_type.strip().lower() == "application/json" and charset in {"", "charset=utf-8", 'charset="utf-8"'}
