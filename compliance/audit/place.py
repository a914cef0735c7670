"""Where the log lies and who signs it, from the settings; the signing key never comes near the database."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from compliance.audit.heads import LogPlace
from compliance.audit.log.files import sync_folder
from compliance.audit.log.note import NoteRefused, SigningKey, VerifierKey, parse_vkey


def log_place() -> LogPlace:
    """The log as those see it who check it. Raises ImproperlyConfigured where nobody knows its key yet."""
    second = settings.AUDIT_LOG["second"]
    return LogPlace(folder=log_folder(), verifier=_verifier(), second=Path(second) if second else None)


def log_folder() -> Path:
    """Where tiles and checkpoint lie, for those who only hand them out."""
    return Path(settings.AUDIT_LOG["folder"])


def signing_key() -> SigningKey:
    """The key that signs, drawn where there is none yet: for the sequencer alone. Raises ImproperlyConfigured."""
    path = Path(settings.AUDIT_LOG["key"])
    if not path.exists():
        _draw(path)
    return _read(path)


def _verifier() -> VerifierKey:
    given = settings.AUDIT_LOG["vkey"]
    if given:
        try:
            return parse_vkey(given)
        except NoteRefused as error:
            raise ImproperlyConfigured(f"CLERESTORY_AUDIT_VKEY cannot be used: {error}") from error
    path = Path(settings.AUDIT_LOG["key"])
    if not path.exists():
        raise ImproperlyConfigured(
            f"Nobody has signed the audit log yet: there is no key {path}. Start `manage.py sequencer` once, or set "
            "CLERESTORY_AUDIT_VKEY to the key that `manage.py audit key` prints where the sequencer runs."
        )
    return _read(path).verifier()


def _read(path: Path) -> SigningKey:
    """A key file: 32 bytes that only their owner may read."""
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise ImproperlyConfigured(f"Others may read the audit log's key {path}: give it mode 0600.")
        private = Ed25519PrivateKey.from_private_bytes(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(
            f"The audit log's key {path} cannot be used ({error}): correct the file, or set CLERESTORY_AUDIT_KEY to "
            "another. A log that was signed before needs the same key again."
        ) from error
    return SigningKey(name=settings.AUDIT_LOG["origin"], private=private)


def _draw(path: Path) -> None:
    """Make a key file, whole and on the disk before anything is signed with it; never over another process's."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(Ed25519PrivateKey.generate().private_bytes_raw())
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(temporary)
        except FileExistsError:
            return
        finally:
            temporary.unlink()
            sync_folder(path.parent)
    except OSError as error:
        raise ImproperlyConfigured(
            f"The audit log's key {path} cannot be made ({error}): correct the folder."
        ) from error
