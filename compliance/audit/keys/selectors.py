"""Reads of subjects' keys: always from the database, so that nothing erased is ever opened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from compliance.audit.keys import rows, vault
from compliance.audit.keys.errors import KekMissing, KeyErased, KeyMissing
from compliance.audit.keys.rotation import ERASED_WITHIN
from compliance.audit.models import KeyEncryptionKey, KeyTombstone, SubjectKey

_ATTEMPTS: Final = 3


def key_of(pseudonym: UUID) -> bytes:
    """The key (32 bytes) that a subject's records are sealed under.

    Raises KeyErased, KeyMissing, VaultRefused, KeyBroken.
    """
    found, keys = _found([pseudonym])
    if found.erased:
        raise KeyErased(found.erased)
    if pseudonym not in keys:
        raise KeyMissing(pseudonym)
    return keys[pseudonym]


def keys_of(pseudonyms: Iterable[UUID]) -> dict[UUID, bytes]:
    """The keys of many, without those that are erased or were never made: one statement. Raises as `key_of`."""
    return _found(pseudonyms)[1]


def erased_among(pseudonyms: Iterable[UUID]) -> frozenset[UUID]:
    """Those of the pseudonyms that were erased."""
    return rows.find(frozenset(pseudonyms)).erased


@dataclass(frozen=True, kw_only=True)
class KeyStatus:
    """How keys stand, for operators."""

    subjects: int
    erased: int
    current: int | None  # number of the key-encryption key that wraps new keys
    kept: tuple[int, ...]  # all that are not destroyed
    missing: tuple[int, ...]  # those that wrap keys and whose files are not there
    unknown: tuple[int, ...]  # files that no row knows
    waiting: int  # erasures that the next rotation completes
    due: datetime | None  # when the first of them was promised to be complete


def key_status() -> KeyStatus:
    """How many keys there are, and what waits for a rotation. Raises VaultRefused."""
    kept = list(KeyEncryptionKey.objects.filter(destroyed_at=None).order_by("number"))
    current = max((kek.number for kek in kept if kek.retired_at is None), default=None)
    waiting = KeyTombstone.objects.filter(erased_at__gte=kept[0].made_at) if kept else KeyTombstone.objects.none()
    first = waiting.order_by("erased_at").first()
    known = set(KeyEncryptionKey.objects.values_list("number", flat=True))
    files = vault.numbers()
    return KeyStatus(
        subjects=SubjectKey.objects.count(),
        erased=KeyTombstone.objects.count(),
        current=current,
        kept=tuple(kek.number for kek in kept),
        missing=tuple(kek.number for kek in kept if kek.retired_at is None and kek.number not in files),
        unknown=tuple(number for number in files if number not in known),
        waiting=waiting.count(),
        due=first.erased_at + ERASED_WITHIN if first else None,
    )


def _found(pseudonyms: Iterable[UUID]) -> tuple[rows.Found, dict[UUID, bytes]]:
    asked = frozenset(pseudonyms)
    for _ in range(_ATTEMPTS - 1):
        found = rows.find(asked)
        try:
            return found, rows.opened(found)
        except KekMissing:
            continue  # a rotation came between the database's answer and the file
    found = rows.find(asked)
    return found, rows.opened(found)
