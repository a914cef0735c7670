"""Writes to subjects' keys: made when first needed, destroyed for good, wrapped anew.

All of it is safe in and outside a transaction of the caller, at PostgreSQL's READ COMMITTED. Of two processes that need
a key at once one makes it; of one that makes and one that erases, erasing wins. Keys are remembered by this process for
a minute at most, and only once they are committed. Another process may therefore seal with a key up to a minute after
it was destroyed; what it sealed stays closed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from functools import partial
from hashlib import sha256
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from compliance.audit.keys import rows, vault
from compliance.audit.keys.cache import WriteCache
from compliance.audit.keys.companions import forget_beside
from compliance.audit.keys.errors import KekMissing, KeyErased, OrderRefused
from compliance.audit.keys.orders import order
from compliance.audit.keys.rotation import rotate
from compliance.audit.models import KeyTombstone, ServeKey

__all__ = ["erase", "erasure_mark", "forget_all", "key_for", "keys_for", "rotate"]

_ATTEMPTS: Final = 5  # each of them met a rotation: there is one a month
_cache: Final = WriteCache()


def key_for(pseudonym: UUID) -> bytes:
    """The key (32 bytes) to seal a subject's records under, made where there is none.

    Raises KeyErased, VaultRefused, KeyBroken, and what the database raises.
    """
    return keys_for([pseudonym])[pseudonym]


def keys_for(pseudonyms: Iterable[UUID]) -> dict[UUID, bytes]:
    """`key_for` of many at once. Raises KeyErased, naming all that are erased, before any is made."""
    wanted = frozenset(pseudonyms)
    known = _cache.get(wanted)
    if rest := wanted - known.keys():
        ticket = _cache.ticket()
        read = _read_or_make(rest)
        transaction.on_commit(partial(_cache.put, read, ticket))  # a key that is rolled back was never one
        known |= read
    return known


@transaction.atomic
def erase(*, pseudonym: UUID, by: str, why: str, approved_by: str = "") -> bool:
    """Destroy a subject's key, now and for ever; return False where that was done before.

    `why` is a short reason without anything personal. What is left of the key in data files, WAL and backups is wrapped
    under a key-encryption key that the next rotation destroys, within `rotation.ERASED_WITHIN`. Raises OrderRefused,
    also while a legal hold covers the person (GDPR Art. 17(3)(b) and (e)).
    """
    # Acts and holds are sealed with these keys, and so import this module.
    from compliance.audit.events import note
    from compliance.audit.retention.holds import hold_on_person, sentence

    ordered = order(by=by, approved_by=approved_by, why=why)
    if (hold := hold_on_person(pseudonym)) is not None:
        raise OrderRefused(sentence(hold, "What is on record of this person"))
    rows.erase_rows(pseudonym)
    ServeKey.objects.filter(pseudonym=pseudonym).delete()  # their own words, perhaps
    forget_beside(pseudonym)
    now = timezone.now()  # once the row is ours: a rotation may have wrapped it anew until here
    _, new = KeyTombstone.objects.get_or_create(pseudonym=pseudonym, defaults={"erased_at": now, "why": why})
    _cache.forget(pseudonym)
    transaction.on_commit(partial(_cache.forget, pseudonym))  # others of this process may have read it meanwhile
    if new:
        note(kind="erasure", happened_at=now, what={**ordered, "erased": erasure_mark(pseudonym)})
    return new


def erasure_mark(pseudonym: UUID) -> str:
    """What an erasure's event says of whom: found by who holds the pseudonym's tombstone, telling nobody else."""
    return sha256(b"clerestory erasure\n" + pseudonym.bytes).hexdigest()


def forget_all() -> None:
    """Forget all keys that this process remembers."""
    _cache.clear()


def _read_or_make(pseudonyms: frozenset[UUID]) -> dict[UUID, bytes]:
    for attempt in range(_ATTEMPTS):
        found = rows.find(pseudonyms)
        if found.erased:
            raise KeyErased(found.erased)
        try:
            keys = rows.opened(found)
            if new := pseudonyms - keys.keys():
                keys |= _made(new, kek=vault.read(found.current or rows.new_kek()))
        except KekMissing:
            if attempt == _ATTEMPTS - 1:
                raise
            continue  # a rotation came between the database's answer and the file
        if keys.keys() == pseudonyms:
            return keys
    raise KekMissing(f"{_ATTEMPTS} rotations of key-encryption keys came between: try again.")


def _made(new: frozenset[UUID], *, kek: vault.Kek) -> dict[UUID, bytes]:
    """Add keys, and read what is there then: ours, or those of who was faster. Without those a rotation refused."""
    wrapped = {pseudonym: kek.wrap(pseudonym, secrets.token_bytes(vault.KEY_BYTES)) for pseudonym in new}
    with transaction.atomic():
        rows.add(wrapped, kek=kek.number)
        found = rows.find(new)  # sees tombstones of who erased while `add` waited
        if found.erased:
            raise KeyErased(found.erased)  # and the keys just added are gone with this transaction
    return rows.opened(found)
