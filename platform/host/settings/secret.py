"""A secret of this machine's own, for the demo: made once, readable by its owner only."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from django.core.exceptions import ImproperlyConfigured


def machine_secret(path: Path) -> str:
    """Return the secret in `path`, making it (mode 0600, in a 0700 folder) when there is none. Safe against races."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(50))
        return path.read_text() or machine_secret_retry(path)
    except OSError as error:
        raise ImproperlyConfigured(
            f"{path.parent} cannot be used ({(error.strerror or str(error)).lower()}): "
            "correct its permissions, or set CLERESTORY_HOME to a folder of your own."
        ) from error


def machine_secret_retry(path: Path) -> str:
    """Wait for another process that is writing the secret at this very moment."""
    import time

    for _ in range(50):
        time.sleep(0.02)
        if text := path.read_text():
            return text
    raise ImproperlyConfigured(f"{path} is empty: delete it and start again, a new secret will be made.")


def machine_escrow_key(path: Path) -> str:
    """Return the public half of the demo's escrow key, drawing the private half into `path` where there is none.

    In production a third party draws it, and only the public half is ever here.
    """
    from compliance.audit.access.escrow import private_key, public_text
    from compliance.audit.log.files import put_private

    try:
        put_private(path, X25519PrivateKey.generate().private_bytes_raw().hex().encode())
        return public_text(private_key(path.read_text()))
    except OSError as error:
        raise ImproperlyConfigured(f"{path} cannot be used ({error.strerror}): correct its permissions.") from error
