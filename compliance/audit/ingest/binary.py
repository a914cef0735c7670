"""Rows in the binary form of COPY, spelt here: quicker than letting the driver look at each value.

PostgreSQL 18, COPY, "Binary Format": a signature, then for each row the number of its fields, and for each field its
length and its bytes (-1 and none for null), all big-endian; -1 fields end it. A uuid is its 16 bytes, text its UTF-8,
bytea itself, a timestamptz the microseconds since 2000 in 8 bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from compliance.audit.events import SERVE
from compliance.audit.ingest.document import External
from compliance.audit.ingest.sources import Source

START: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
END: Final = b"\xff\xff"
EPOCH_MS: Final = 946_684_800_000  # 2000-01-01
_WORDS: Final = ("surface", "feed_mode", "tier", "jurisdiction")
RECORD_COLUMNS: Final = ("id", "service", "source", "pseudonym", "served_at", *_WORDS, "model_sha256", "body", "salt")
QUEUE_COLUMNS: Final = ("id", "kind", "digest")
_LENGTH: Final = struct.Struct(">i")
_MOMENT: Final = struct.Struct(">iq")
_ROW: Final = struct.pack(">h", len(RECORD_COLUMNS)) + _LENGTH.pack(16)
_ENTRY: Final = struct.pack(">h", len(QUEUE_COLUMNS)) + _LENGTH.pack(16)


def records(source: Source, events: Iterable[External], sealed: Iterable[tuple[bytes, bytes, bytes]]) -> bytes:
    """Rows of `audit_serverecord`: `sealed` holds each event's body, salt and digest."""
    whose = _field(source.service) + _field(source.name) + _LENGTH.pack(16)
    parts = [START]
    for one, (body, salt, _) in zip(events, sealed, strict=True):
        parts += (
            _ROW,
            one.id.bytes,
            whose,
            one.pseudonym.bytes,
            _MOMENT.pack(8, (one.served_at_ms - EPOCH_MS) * 1000),
            _words(one.surface, one.feed_mode, one.tier, one.jurisdiction, one.model_sha256),
            _LENGTH.pack(len(body)),
            body,
            _LENGTH.pack(len(salt)),
            salt,
        )
    parts.append(END)
    return b"".join(parts)


def queue(events: Sequence[External], sealed: Iterable[tuple[bytes, bytes, bytes]]) -> bytes:
    """Rows of `audit_logqueue`."""
    kind = _field(SERVE)
    parts = [START]
    for one, (_, _, digest) in zip(events, sealed, strict=True):
        parts += (_ENTRY, one.id.bytes, kind, _LENGTH.pack(len(digest)), digest)
    parts.append(END)
    return b"".join(parts)


@lru_cache(maxsize=1024)
def _words(surface: str, feed_mode: str, tier: str, jurisdiction: str, model_sha256: str) -> bytes:
    """The fields that many events share."""
    model = bytes.fromhex(model_sha256)
    fields = _field(surface) + _field(feed_mode) + _field(tier) + _field(jurisdiction)
    return fields + (_LENGTH.pack(len(model)) + model if model else _LENGTH.pack(-1))


def _field(text: str) -> bytes:
    content = text.encode()
    return _LENGTH.pack(len(content)) + content
