"""The small text forms that all C2SP formats share: base64 hashes, decimals, lines."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

from compliance.audit.log.tree import HASH_BYTES


def encode64(content: bytes) -> str:
    """Standard base64 (RFC 4648 §4)."""
    return base64.b64encode(content).decode("ascii")


def decode64(text: str) -> bytes:
    """The bytes of a standard base64 text in its one spelling. Raises ValueError."""
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"{text[:80]!r} is not base64 (RFC 4648 §4).") from error
    if encode64(content) != text:
        raise ValueError(f"{text[:80]!r} is not base64 in its one spelling (RFC 4648 §3.5).")
    return content


def decode_hash(text: str) -> bytes:
    """A 32-byte hash from its base64 line. Raises ValueError."""
    content = decode64(text)
    if len(content) != HASH_BYTES:
        raise ValueError(f"{text!r} holds {len(content)} bytes: a hash has {HASH_BYTES}.")
    return content


def hash_lines(hashes: Iterable[bytes]) -> str:
    """Hashes, one base64 line each."""
    return "".join(f"{encode64(each)}\n" for each in hashes)


def decode_decimal(text: str) -> int:
    """A number below 2**63 in ASCII digits without leading zeroes. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) < 20 and (text == "0" or text[0] != "0")):
        raise ValueError(f"{text[:80]!r} is not a number without leading zeroes.")
    number = int(text)
    if number >= 1 << 63:
        raise ValueError(f"{text} is not below 2^63.")
    return number
