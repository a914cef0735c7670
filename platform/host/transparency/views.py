"""Serve tiles, bundles and the checkpoint. They hold hashes and signatures only: nothing about a person."""

from __future__ import annotations

from typing import Final

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from compliance.audit.heads import published
from compliance.audit.log.note import NoteRefused, parse_checkpoint
from compliance.audit.log.paths import covers
from compliance.audit.place import log_folder

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
    """One tile or bundle under the published checkpoint: it never changes. What lies beyond may be written anew."""
    text = published(log_folder())
    if text is None or not covers(f"tile/{path}", _size(text)):
        raise Http404("There is no such tile under the published checkpoint.")
    try:
        file = (log_folder() / "tile" / path).open("rb")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise Http404("There is no such tile yet.") from error
    response = FileResponse(file, content_type="application/octet-stream")
    response["Cache-Control"] = FOREVER
    return response


def _size(note: str) -> int:
    """How many leaves a checkpoint is of, 0 where it is none; whoever reads the tiles checks its signature."""
    text, _, _ = note.partition("\n\n")
    try:
        return parse_checkpoint(f"{text}\n").size
    except NoteRefused:
        return 0
