"""What the log keeps of an event: a salted commitment, which says nothing about it once the salt is destroyed."""

from __future__ import annotations

import hashlib
from typing import Final
from uuid import UUID

SALT_BYTES: Final = 32
VERSION: Final = b"\x01"
DOMAIN: Final = b"clerestory event commitment\n"


class SaltRefused(ValueError):
    """A salt is too short or too long to hide what it salts."""


def commit(event_id: UUID, salt: bytes, content: bytes) -> bytes:
    """SHA-256(domain || version || event id || SHA-256(salt || content)): 32 bytes for the log.

    `salt` is 32 random bytes kept beside the event, never in the log; `content` the event's stored bytes. They
    are not encrypted today, whoever they describe: the commitment hides them, the database does not. The domain keeps
    these bytes apart from any other hash. Raises SaltRefused.
    """
    if len(salt) != SALT_BYTES:
        raise SaltRefused(f"A salt of {len(salt)} bytes was given: draw {SALT_BYTES} random bytes for each event.")
    inner = hashlib.sha256(salt + content).digest()
    return hashlib.sha256(DOMAIN + VERSION + event_id.bytes + inner).digest()
