"""Where the log lies and who signs it, from the settings; the signing key never comes near the database."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from compliance.audit.log.note import SigningKey
from compliance.audit.sequencer import LogPlace


def log_place() -> LogPlace:
    """The log with the key that signs it. Raises ImproperlyConfigured."""
    second = settings.AUDIT_LOG["second"]
    return LogPlace(
        folder=log_folder(),
        key=SigningKey(name=settings.AUDIT_LOG["origin"], private=_private_key(Path(settings.AUDIT_LOG["key"]))),
        second=Path(second) if second else None,
    )


def log_folder() -> Path:
    """Where tiles and checkpoint lie, for those who only read them."""
    return Path(settings.AUDIT_LOG["folder"])


def _private_key(path: Path) -> Ed25519PrivateKey:
    """The 32 bytes in a file of mode 0600, drawn where there is none yet."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            made = Ed25519PrivateKey.generate().private_bytes_raw()
            temporary = path.with_name(f".{path.name}.{os.getpid()}")
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(made)
            try:
                os.link(temporary, path)  # whole, and never over another process's key
            finally:
                temporary.unlink()
        return Ed25519PrivateKey.from_private_bytes(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(
            f"The audit log's key {path} cannot be used ({error}): correct the file, or set CLERESTORY_AUDIT_KEY to "
            "another. A log that was signed before needs the same key again."
        ) from error
