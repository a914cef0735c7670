"""Keys for auditors: given out by two people, shown once, kept as a hash, revoked for good."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Collection
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from compliance.audit.access.viewing import SCOPES, Reader
from compliance.audit.events import note
from compliance.audit.keys.orders import same_person
from compliance.audit.models import AuditorKey

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}", re.ASCII)
SECRET_BYTES: Final = 32
MOST_DAYS: Final = 366
MOST_WORDS: Final = 500
_NOBODY: Final = sha256(b"no auditor has this key").digest()


class KeyRefused(ValueError):
    """A key cannot be given out or taken away as asked."""


def add(*, name: str, scopes: Collection[str], days: int, by: str, approved_by: str, why: str) -> str:
    """Give out a key; return it, for nobody can ask for it again. Raises KeyRefused."""
    if not NAME.fullmatch(name):
        raise KeyRefused(f"{name!r} is no name of an auditor: use 1 to 32 lower-case letters, digits or hyphens.")
    if strange := sorted(set(scopes) - set(SCOPES)):
        raise KeyRefused(f"There is no scope {strange[0]!r}: choose among {', '.join(SCOPES)}.")
    if not scopes or not 1 <= days <= MOST_DAYS:
        raise KeyRefused(f"A key is for at least one scope and for 1 to {MOST_DAYS} days.")
    _check_people(by, approved_by, why)
    now, key = timezone.now(), f"{name}.{secrets.token_urlsafe(SECRET_BYTES)}"
    kept = {"name": name, "scopes": sorted(set(scopes)), "expires_at": now + timedelta(days=days)}
    what = {"act": "added", "auditor": name, "scopes": kept["scopes"], "days": days, "key_sha256": _hash(key).hex()}
    try:
        with transaction.atomic():
            AuditorKey.objects.create(**kept, key_sha256=_hash(key), issued_at=now)
            _note(what, by, approved_by, why)
    except IntegrityError as error:
        raise KeyRefused(
            f"There is, or was, an auditor {name!r}: what was viewed goes by that name. Take another name."
        ) from error
    return key


@transaction.atomic
def revoke(*, name: str, by: str, approved_by: str = "", why: str) -> None:
    """Take a key away, for good. One person may: that is the safe direction. Raises KeyRefused."""
    _check_words(by, why)
    now = timezone.now()
    if not AuditorKey.objects.filter(name=name, revoked_at=None).update(revoked_at=now):
        raise KeyRefused(f"There is no auditor {name!r} whose key could be taken away.")
    _note({"act": "revoked", "auditor": name}, by, approved_by, why)


def reader_of(key: str) -> Reader | None:
    """The auditor whose key this is, as long as it holds; None for any other text.

    A wrong secret takes as long as a right one.
    """
    name = key.partition(".")[0]
    row = AuditorKey.objects.filter(name=name).first() if NAME.fullmatch(name) else None
    expected = _NOBODY if row is None else bytes(row.key_sha256)
    if not hmac.compare_digest(_hash(key), expected) or row is None:
        return None
    if row.revoked_at is not None or row.expires_at <= timezone.now():
        return None
    return Reader(name=row.name, by="key", scopes=frozenset(row.scopes))


def _hash(key: str) -> bytes:
    """One hash is enough: the key is 256 random bits, which nobody can guess through it."""
    return sha256(key.encode()).digest()


def _check_people(by: str, approved_by: str, why: str) -> None:
    _check_words(by, why)
    if not approved_by.strip() or same_person(approved_by, by):
        raise KeyRefused(f"{by} gives the key out, and no second person approved it: have somebody else approve it.")


def _check_words(by: str, why: str) -> None:
    if not by.strip() or not 0 < len(why.strip()) <= MOST_WORDS:
        raise KeyRefused(f"Say who does this and why, in 1 to {MOST_WORDS} characters: it goes on record.")


def _note(what: dict[str, Any], by: str, approved_by: str, why: str) -> None:
    people = {"by": by, "approved_by": approved_by, "why": why}
    note(kind="auditor_key", happened_at=timezone.now(), what={**what, **people})
