"""How content-addressed bytes lie in the database: compressed, so that PostgreSQL moves and logs a fifth of them."""

from __future__ import annotations

import zlib


def pack_bytes(content: bytes) -> bytes:
    """Compress, quickly."""
    return zlib.compress(content, 1)


def unpack_bytes(stored: bytes) -> bytes:
    """Decompress. What does not, or has more behind it, comes back as stored: its hash tells that it was changed."""
    unpacker = zlib.decompressobj()
    try:
        content = unpacker.decompress(stored)
    except zlib.error:
        return stored
    return content if unpacker.eof and not unpacker.unused_data else stored
