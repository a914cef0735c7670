"""Key-encryption keys: files outside PostgreSQL that wrap subjects' keys, and whose destruction is final.

A wrapped key is `nonce 12 | AES-256-GCM(key 32) + tag 16`, 60 bytes, with the pseudonym and the number of the
key-encryption key as associated data, so that no row can be given another's key.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from compliance.audit.keys.errors import KekMissing, KeyBroken, VaultRefused
from compliance.audit.log.files import put_private, sync_folder

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
_DOMAIN: Final = b"clerestory subject key\n"
_NAME: Final = re.compile(r"kek-([0-9]{6,9})")


@dataclass(frozen=True, kw_only=True)
class Kek:
    """A key-encryption key in memory."""

    number: int
    secret: bytes = field(repr=False)

    def wrap(self, pseudonym: UUID, key: bytes) -> bytes:
        """Seal a subject's key (32 bytes) into 60 bytes for the database."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self.secret).encrypt(nonce, key, self._bound(pseudonym))

    def unwrap(self, pseudonym: UUID, wrapped: bytes) -> bytes:
        """The subject's key. Raises KeyBroken where the bytes are another's, or were changed."""
        try:
            return AESGCM(self.secret).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], self._bound(pseudonym))
        except (InvalidTag, ValueError) as error:
            raise KeyBroken(
                f"The key of pseudonym {pseudonym} does not open under kek-{self.number:06d}: its row was changed, or "
                "the file is another database's. Restore whichever is wrong from a backup."
            ) from error

    def _bound(self, pseudonym: UUID) -> bytes:
        return _DOMAIN + self.number.to_bytes(4, "big") + pseudonym.bytes


def folder() -> Path:
    """Where the files lie: setting AUDIT_KEYS."""
    return Path(settings.AUDIT_KEYS)


def numbers() -> list[int]:
    """The numbers of all files that are there, in order. Raises VaultRefused."""
    try:
        _refuse_open(folder(), "0700")
        found = [_NAME.fullmatch(path.name) for path in folder().iterdir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unusable(folder(), error) from error
    return sorted(int(match[1]) for match in found if match)


def draw(at_least: int = 1) -> int:
    """Make a new key-encryption key, durable when this returns its number: a new one, and no less than `at_least`.

    Processes that draw at once get one each. Raises VaultRefused.
    """
    number = max([at_least - 1, *numbers()]) + 1
    try:
        while not put_private(path_of(number), secrets.token_bytes(KEY_BYTES)):
            number += 1
    except OSError as error:
        raise _unusable(path_of(number), error) from error
    return number


def read(number: int) -> Kek:
    """The key-encryption key of that number, from its file. Raises KekMissing, VaultRefused."""
    path = path_of(number)
    try:
        _refuse_open(folder(), "0700")
        _refuse_open(path, "0600")
        secret = path.read_bytes()
    except FileNotFoundError as error:
        raise KekMissing(
            f"The key-encryption key {path} is not there: give this process the folder that CLERESTORY_AUDIT_KEYS "
            "names where the others run, or restore the file. If a rotation destroyed it, what it wrapped is gone."
        ) from error
    except OSError as error:
        raise _unusable(path, error) from error
    if len(secret) != KEY_BYTES:
        raise VaultRefused(f"{path} has {len(secret)} bytes and a key has {KEY_BYTES}: restore the file.")
    return Kek(number=number, secret=secret)


def destroy(number: int) -> None:
    """Overwrite a key-encryption key, and remove its file; none need be there. Raises VaultRefused.

    Overwriting reaches the disk's own blocks only where the file system and the device write in place.
    """
    path = path_of(number)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        os.write(handle, secrets.token_bytes(KEY_BYTES))
        os.fsync(handle)
        path.unlink()
        sync_folder(path.parent)
    except OSError as error:
        raise _unusable(path, error) from error
    finally:
        os.close(handle)


def path_of(number: int) -> Path:
    """The file of a key-encryption key."""
    return folder() / f"kek-{number:06d}"


def _refuse_open(path: Path, mode: str) -> None:
    held = stat.S_IMODE(path.stat().st_mode)
    if held & 0o077:
        raise VaultRefused(
            f"{path} has mode {held:04o}, so that others may get at the keys of all subjects: give it mode {mode}, "
            "and rotate the keys if somebody may have read it."
        )


def _unusable(path: Path, error: OSError) -> VaultRefused:
    return VaultRefused(f"{path} cannot be used as a key-encryption key ({error.strerror}): correct it.")
