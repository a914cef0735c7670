"""A small log, its keys, and a naive tree to compare with."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compliance.audit.log.note import Checkpoint, SigningKey, sign_note
from compliance.audit.log.tiles import TileStore
from compliance.audit.log.tree import HashReader

ORIGIN = "log.example/feeds"


def key_of(name: str, seed: int = 1) -> SigningKey:
    """A key that is the same in every run; never one for production."""
    return SigningKey(name=name, private=Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


LOG_KEY = key_of(ORIGIN)
WITNESS_KEY = key_of("witness.example/w1", seed=2)


def made_entries(count: int, seed: int = 0, longest: int = 60) -> list[bytes]:
    """Entries of random bytes and lengths."""
    chance = random.Random(f"{seed}/{count}")  # noqa: S311 - the same entries in every run
    return [chance.randbytes(chance.randint(0, longest)) for _ in range(count)]


def naive_root(entries: Sequence[bytes]) -> bytes:
    """RFC 6962 §2.1, word for word."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    middle = 1 << ((len(entries) - 1).bit_length() - 1)
    return hashlib.sha256(b"\x01" + naive_root(entries[:middle]) + naive_root(entries[middle:])).digest()


def naive_reader(entries: Sequence[bytes]) -> HashReader:
    """A reader of complete subtrees by the naive tree."""

    def read(height: int, index: int) -> bytes:
        part = entries[index << height : (index + 1) << height]
        assert len(part) == 1 << height
        return naive_root(part)

    return read


def filled(folder: Path, entries: Sequence[bytes]) -> TileStore:
    """A store that holds entries, appended at once."""
    store = TileStore(folder)
    store.append(entries, size=0)
    return store


def signed(size: int, root: bytes, key: SigningKey = LOG_KEY) -> str:
    """A signed checkpoint of the log."""
    return sign_note(Checkpoint(origin=key.name, size=size, root=root).text(), key)


def files_in(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
