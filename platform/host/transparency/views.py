"""Serve tiles, bundles and the checkpoint. They hold hashes and signatures only: nothing about a person."""

from __future__ import annotations

import re
from typing import Final

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from compliance.audit.place import log_folder
from compliance.audit.sequencer import published

# tile/<level>/<N>[.p/<W>] and tile/entries/<N>[.p/<W>]; N as x001/x234/067.
TILE: Final = re.compile(r"(?:[0-9]|[1-5][0-9]|6[0-3]|entries)/(?:x[0-9]{3}/)*[0-9]{3}(?:\.p/(?:[1-9][0-9]{0,2}))?")
FOREVER: Final = "public, max-age=31536000, immutable"


@require_safe
@never_cache
def checkpoint(request: HttpRequest) -> HttpResponse:
    """The newest signed tree head, as text."""
    text = published(log_folder())
    if text is None:
        raise Http404("Nothing was signed yet.")
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


@require_safe
def tile(request: HttpRequest, path: str) -> FileResponse:
    """One tile or bundle: it never changes once it is there."""
    if not TILE.fullmatch(path):
        raise Http404("That is no tile's address.")
    try:
        file = (log_folder() / "tile" / path).open("rb")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise Http404("There is no such tile yet.") from error
    response = FileResponse(file, content_type="application/octet-stream")
    response["Cache-Control"] = FOREVER
    return response
