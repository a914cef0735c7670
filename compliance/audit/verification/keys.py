"""Subjects' keys for a verification: what does not unwrap is a fault of one person, and never the end of the check."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from compliance.audit.keys.errors import KeyBroken, VaultRefused
from compliance.audit.keys.selectors import keys_of


def readable_keys(pseudonyms: Iterable[UUID]) -> tuple[dict[UUID, bytes], dict[UUID, str]]:
    """The keys that can be had, and why others cannot; who was erased or never had one is in neither."""
    wanted = set(pseudonyms)
    try:
        return keys_of(wanted), {}
    except (KeyBroken, VaultRefused):
        keys: dict[UUID, bytes] = {}
        broken: dict[UUID, str] = {}
    for pseudonym in wanted:
        try:
            keys |= keys_of([pseudonym])
        except (KeyBroken, VaultRefused) as error:
            broken[pseudonym] = str(error)
    return keys, broken
