"""An Ed25519 key in a file of 32 bytes that only its owner may read: drawn whole and durable, read with suspicion."""

from __future__ import annotations

import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compliance.audit.log.files import put_private


class KeyFileRefused(Exception):
    """A key file cannot be used or made: the sentence says why, and what to do."""


def read_key(path: Path) -> Ed25519PrivateKey:
    """The private key in a file. Raises KeyFileRefused where others may read it, or it is no key."""
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise KeyFileRefused(f"Others may read the key {path}: give it mode 0600.")
        return Ed25519PrivateKey.from_private_bytes(path.read_bytes())
    except (OSError, ValueError) as error:
        raise KeyFileRefused(f"The key {path} cannot be used ({error}): correct the file, or name another.") from error


def draw_key(path: Path) -> None:
    """Make a key file, whole and on the disk before anything is signed with it; never over one that is there.

    Raises KeyFileRefused.
    """
    try:
        put_private(path, Ed25519PrivateKey.generate().private_bytes_raw())
    except OSError as error:
        raise KeyFileRefused(f"The key {path} cannot be made ({error}): correct the folder.") from error
