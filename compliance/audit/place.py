"""Where the log lies and who signs it, from the settings; the signing key never comes near the database."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from compliance.audit.heads import LogPlace
from compliance.audit.log.key_file import KeyFileRefused, draw_key, read_key
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
    """The key file of the log."""
    try:
        private = read_key(path)
    except KeyFileRefused as error:
        raise ImproperlyConfigured(
            f"{error} CLERESTORY_AUDIT_KEY names it; a log that was signed before needs the same key again."
        ) from error
    return SigningKey(name=settings.AUDIT_LOG["origin"], private=private)


def _draw(path: Path) -> None:
    try:
        draw_key(path)
    except KeyFileRefused as error:
        raise ImproperlyConfigured(str(error)) from error
