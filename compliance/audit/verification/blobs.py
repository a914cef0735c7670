"""Content-addressed bytes against their addresses, and whether everything that records name is there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from compliance.audit.canonical import digest
from compliance.audit.keys.selectors import keys_of
from compliance.audit.models import Blob, ItemVersion, SealedBlob
from compliance.audit.storage.packing import unpack_bytes
from compliance.audit.storage.sealing import SealBroken, open_blob
from compliance.audit.verification.documents import Needed

AT_ONCE: Final = 500

Faults = Iterator[str]


def blobs(needed: Needed) -> Faults:
    """Name blobs and versions of items that were changed, and those that are missing."""
    yield from _clear(needed.clear)
    versions, broken = _versions()
    yield from broken
    yield from _sealed(needed, versions)


def _clear(needed: dict[str, str]) -> Faults:
    missing = dict(needed)
    for blob in Blob.objects.iterator(chunk_size=AT_ONCE):
        missing.pop(blob.sha256, None)
        if digest(unpack_bytes(bytes(blob.content))) != blob.sha256:
            yield f"blob {blob.sha256} does not hash to its address"
    for sha256, whose in missing.items():
        yield f"{whose} {sha256} is missing"


def _versions() -> tuple[dict[int, bytes], list[str]]:
    """The hash of each version of an item, and those that were changed."""
    found: dict[int, bytes] = {}
    broken = []
    for row in ItemVersion.objects.iterator(chunk_size=AT_ONCE):
        found[row.number] = hashlib.sha256(row.content).digest()
        if found[row.number] != bytes(row.sha256):
            broken.append(f"item version {row.number} does not hash to its address")
    return found, broken


def _sealed(needed: Needed, versions: dict[int, bytes]) -> Faults:
    missing = dict(needed.sealed)
    keys = keys_of(set(needed.lists.values()))
    present: set[tuple[date, str]] = set()
    for blob in SealedBlob.objects.iterator(chunk_size=AT_ONCE):
        content, place = bytes(blob.content), (blob.period, bytes(blob.address).hex())
        present.add(place)
        missing.pop(place, None)
        if hashlib.sha256(content).hexdigest() != place[1]:
            yield f"sealed blob {place[1]} of {blob.period:%Y-%m} does not hash to its address"
        elif (whose := needed.lists.get(place)) in keys:
            yield from _list(needed, place, content, keys[whose], versions, missing)
    for place, what in missing.items():
        if place not in present:
            yield f"{what} {place[1]} is missing"


def _list(
    needed: Needed,
    place: tuple[date, str],
    content: bytes,
    key: bytes,
    versions: dict[int, bytes],
    missing: dict[tuple[date, str], str],
) -> Faults:
    """What a blob names in its turn: blocks of a past, or versions of items."""
    whose = needed.sealed[place]
    try:
        said: dict[str, Any] = json.loads(open_blob(key, content))
    except (SealBroken, ValueError) as error:
        yield f"{whose} {place[1]}: {error}"
        return
    for address in said.get("blocks", ()):
        missing[place[0], address] = f"{whose}, of which a block"
    numbers = said.get("items", [])
    if absent := [number for number in numbers if number not in versions]:
        yield f"{whose} {place[1]}: version {absent[0]} of an item is missing"
    elif numbers and hashlib.sha256(b"".join(map(versions.__getitem__, numbers))).hexdigest() != said["items_sha256"]:
        yield f"{whose} {place[1]}: the versions of items are not those that were recorded"
