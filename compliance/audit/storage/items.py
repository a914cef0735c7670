"""Versions of items: what each looked like to a model, stored once and named by a number."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Final

from django.db import connection

from compliance.audit.canonical import canonical
from compliance.audit.models import ItemVersion
from ranking.serving.parts import ItemLook

KNOWN_MOST: Final = 100_000
"""How many versions a process remembers, so that most requests look none up."""


class ItemsBroken(ValueError):
    """Versions of items are not what a record says: one is missing or was changed."""


Version = tuple[int, bytes]  # number, SHA-256


class _Known:
    """The versions that this process has seen committed, the latest used last."""

    def __init__(self) -> None:
        self._versions: OrderedDict[ItemLook, Version] = OrderedDict()
        self._lock = Lock()

    def of(self, looks: Sequence[ItemLook]) -> dict[ItemLook, Version]:
        with self._lock:
            found = {look: self._versions[look] for look in looks if look in self._versions}
            for look in found:
                self._versions.move_to_end(look)
        return found

    def remember(self, versions: dict[ItemLook, Version]) -> None:
        with self._lock:
            self._versions.update(versions)
            while len(self._versions) > KNOWN_MOST:
                self._versions.popitem(last=False)

    def forget(self) -> None:
        with self._lock:
            self._versions.clear()


known: Final = _Known()


def numbered(looks: Sequence[ItemLook]) -> tuple[list[int], str]:
    """The number of each look, storing those that are new, and the digest of all in this order.

    Inside a transaction nothing is remembered: it may still be rolled back.
    """
    versions = known.of(looks)
    if new := {look: _content(look) for look in looks if look not in versions}:
        stored = _stored(new)
        versions |= stored
        if not connection.in_atomic_block:
            known.remember(stored)
    found = [versions[look] for look in looks]
    return [number for number, _ in found], _digest([sha256 for _, sha256 in found])


class Looks:
    """How items look, each version read and verified once: for who reads many records."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[bytes, ItemLook]] = {}

    def of(self, numbers: Sequence[int], digest: str) -> tuple[ItemLook, ...]:
        """The looks behind numbers. Raises ItemsBroken where they are not those of the digest."""
        if len(self._seen) > KNOWN_MOST:
            self._seen.clear()
        self._read({number for number in numbers if number not in self._seen})
        found = [self._seen[number] for number in numbers]
        if _digest([sha256 for sha256, _ in found]) != digest:
            raise ItemsBroken("The versions of items are not those that were recorded.")
        return tuple(look for _, look in found)

    def _read(self, numbers: set[int]) -> None:
        rows = ItemVersion.objects.in_bulk(numbers) if numbers else {}
        for number in sorted(numbers):
            if number not in rows:
                raise ItemsBroken(f"Version {number} of an item is missing.")
            content = bytes(rows[number].content)
            sha256 = hashlib.sha256(content).digest()
            if bytes(rows[number].sha256) != sha256:
                raise ItemsBroken(f"Version {number} of an item does not hash to its address.")
            self._seen[number] = (sha256, ItemLook.of(json.loads(content)))


def _content(look: ItemLook) -> bytes:
    return canonical(look.document())


def _stored(contents: dict[ItemLook, bytes]) -> dict[ItemLook, Version]:
    hashes = {look: hashlib.sha256(content).digest() for look, content in contents.items()}
    rows = [ItemVersion(sha256=hashes[look], content=content) for look, content in contents.items()]
    found = _numbers(list(hashes.values()))
    # In one order everywhere, so that two processes that store the same versions wait for each other in turn.
    missing = sorted((row for row in rows if row.sha256 not in found), key=lambda row: bytes(row.sha256))
    if missing:
        ItemVersion.objects.bulk_create(missing, ignore_conflicts=True)
        found = _numbers(list(hashes.values()))
    return {look: (found[sha256], sha256) for look, sha256 in hashes.items()}


def _numbers(hashes: list[bytes]) -> dict[bytes, int]:
    rows = ItemVersion.objects.filter(sha256__in=hashes).values_list("sha256", "number")
    return {bytes(sha256): number for sha256, number in rows}


def _digest(hashes: Sequence[bytes]) -> str:
    return hashlib.sha256(b"".join(hashes)).hexdigest()
