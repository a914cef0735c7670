"""Sealed bytes: packed documents that only their person's key opens (DESIGN §4; NIST SP 800-38D for AES-GCM).

    record, event   0x02  dictionary (uint16)  nonce (12, drawn)    AES-256-GCM(packed document)  tag (16)
    blob            0x02  dictionary (uint16)  nonce (12, derived)  AES-256-GCM(packed content)   tag (16)

The first three bytes are authenticated too, and of a serve record the model's address, which its column alone holds.
Each record has a key of its own, derived from its person's and its id. A blob's nonce is an HMAC of what is sealed: the
same content of the same person has one ciphertext and one address, and tells nobody else anything.
What begins with "{" was never sealed: acts of nobody in particular, and records from before release 0.2.0.
"""

from __future__ import annotations

import hmac
import secrets
import struct
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from compliance.audit.storage.packing import MOST_BYTES, NotUnpacked, newest_dictionary, pack, packer, unpack

FORM: Final = 2
_HEAD: Final = struct.Struct(">BH")  # form, dictionary
_NONCE: Final = 12
_RECORD, _BLOB, _NONCES = b"clerestory record", b"clerestory blob", b"clerestory blob nonce"


class SealBroken(ValueError):
    """Sealed bytes were changed, or were sealed with another key or for another record."""


class TooLong(ValueError):
    """A document that would not open again."""


def is_sealed(stored: bytes) -> bool:
    """Whether a key is needed to read these bytes."""
    return stored[:1] != b"{"


def dictionary_of(stored: bytes) -> int:
    """The number of the dictionary that sealed bytes were packed with."""
    return int(_HEAD.unpack(stored[: _HEAD.size])[1])


def seal(key: bytes, event_id: UUID, document: bytes, *, bound: bytes = b"") -> bytes:
    """Pack and seal a record's or an event's canonical bytes with a person's key (32 bytes).

    It opens only beside the same `bound` bytes: what the document says by a clear column alone.
    """
    head, packed = _packed(document)
    nonce = secrets.token_bytes(_NONCE)
    return head + nonce + AESGCM(record_key(key, event_id)).encrypt(nonce, packed, head + bound)


def seal_many(keys: Sequence[bytes], ids: Sequence[UUID], documents: Sequence[bytes], *, level: int) -> list[bytes]:
    """`seal` for thousands of records at once: what they share is looked up once, and nonces are drawn at once."""
    number = newest_dictionary()
    head, packed, nonces = _HEAD.pack(FORM, number), packer(dictionary=number, level=level), _nonces(len(ids))
    return [
        head + nonce + AESGCM(record_key(key, event_id)).encrypt(nonce, packed(document), head)
        for key, event_id, document, nonce in zip(keys, ids, documents, nonces, strict=True)
    ]


def open_sealed(key: bytes, event_id: UUID, stored: bytes, *, bound: bytes = b"") -> bytes:
    """The canonical bytes of a record or an event. Raises SealBroken."""
    return _open(record_key(key, event_id), stored, bound)


def record_key(key: bytes, event_id: UUID) -> bytes:
    """The key of one record or event alone, which can be given away with it and opens nothing else."""
    return hmac.digest(key, _RECORD + event_id.bytes, "sha256")


def seal_blob(key: bytes, content: bytes) -> bytes:
    """Pack and seal content of a person: the same bytes every time, so that it is stored once."""
    head, packed = _packed(content)
    nonce = hmac.digest(_subkey(key, _NONCES), head + packed, "sha256")[:_NONCE]  # of all that is sealed: never reused
    return head + nonce + AESGCM(_subkey(key, _BLOB)).encrypt(nonce, packed, head)


def open_blob(key: bytes, stored: bytes) -> bytes:
    """The content of a sealed blob. Raises SealBroken."""
    return _open(_subkey(key, _BLOB), stored, b"")


def _nonces(count: int) -> list[bytes]:
    drawn = secrets.token_bytes(_NONCE * count)
    return [drawn[start : start + _NONCE] for start in range(0, len(drawn), _NONCE)]


def _packed(content: bytes) -> tuple[bytes, bytes]:
    if len(content) > MOST_BYTES:
        raise TooLong(
            f"A document of {len(content):,} bytes is not sealed: {MOST_BYTES:,} is the most that opens again."
        )
    number = newest_dictionary()
    return _HEAD.pack(FORM, number), pack(content, dictionary=number)


def _open(key: bytes, stored: bytes, bound: bytes) -> bytes:
    head, nonce, sealed = stored[: _HEAD.size], stored[_HEAD.size : _HEAD.size + _NONCE], stored[_HEAD.size + _NONCE :]
    try:
        form, number = _HEAD.unpack(head)
        if form != FORM:
            raise SealBroken(f"Sealed bytes of form {form} are not known to this release.")
        return unpack(AESGCM(key).decrypt(nonce, sealed, head + bound), dictionary=number)
    except (InvalidTag, NotUnpacked, ValueError, struct.error) as error:
        why = str(error) or "they are not what was sealed"
        raise SealBroken(f"Sealed bytes do not open ({why}): they or their key were changed.") from error


def _subkey(key: bytes, label: bytes) -> bytes:
    return hmac.digest(key, label, "sha256")
