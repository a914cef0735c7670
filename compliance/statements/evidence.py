"""Files that come with a complaint: few, small, of four types known by their first bytes, never opened here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from compliance.statements.errors import ComplaintRefused

MOST_FILES: Final = 5
MOST_BYTES: Final = 2 * 1024 * 1024
"""Of one file."""
STARTS: Final = {
    b"%PDF-": "application/pdf",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
}
TEXT: Final = "text/plain"
MOST_NAME: Final = 100
_ODD: Final = re.compile(r"[^\w .()-]+")


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """A file that may be kept."""

    name: str
    media_type: str
    content: bytes
    sha256: str


def accept(*, name: str, content: bytes) -> Accepted:
    """Judge a file by its bytes; what its sender calls it is not believed. Raises ComplaintRefused."""
    shown = _ODD.sub("_", name.rpartition("/")[2].rpartition("\\")[2]).strip(" .")[:MOST_NAME] or "file"
    if not content or len(content) > MOST_BYTES:
        raise ComplaintRefused(
            f"{shown} is empty or larger than {MOST_BYTES // 1024**2} MiB, so nothing was stored: send a smaller file."
        )
    return Accepted(
        name=shown, media_type=_type_of(shown, content), content=content, sha256=sha256(content).hexdigest()
    )


def _type_of(shown: str, content: bytes) -> str:
    for start, media_type in STARTS.items():
        if content.startswith(start):
            return media_type
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = "\x00"
    if any(character < " " and character not in "\t\r\n\f" for character in text):
        raise ComplaintRefused(
            f"{shown} is neither PDF, PNG, JPEG nor plain text in UTF-8, so nothing was stored: send one of these."
        )
    return TEXT
