"""Content-addressed bytes against their addresses, and whether everything that records name is there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import Any, Final
from uuid import UUID

import orjson

from compliance.audit.canonical import digest
from compliance.audit.cold.errors import ColdDamaged
from compliance.audit.cold.parquet import read, values
from compliance.audit.cold.place import cold_store
from compliance.audit.cold.schema import BLOBS
from compliance.audit.models import Blob, ColdMonth, ItemVersion, SealedBlob
from compliance.audit.storage.packing import unpack_bytes
from compliance.audit.storage.sealing import SealBroken, open_blob
from compliance.audit.verification.documents import Needed
from compliance.audit.verification.keys import readable_keys

AT_ONCE: Final = 500

Faults = Iterator[str]
Document = dict[str, Any]
Place = tuple[date, str]  # period, address


def blobs(needed: Needed) -> Faults:
    """Name blobs and versions of items that were changed, and those that are missing."""
    yield from _clear(needed.clear)
    versions, broken = versions_of_items()
    yield from broken
    yield from _changed()
    yield from linked(needed, versions)


def _clear(needed: dict[str, str]) -> Faults:
    missing = dict(needed)
    for blob in Blob.objects.iterator(chunk_size=AT_ONCE):
        missing.pop(blob.sha256, None)
        if digest(unpack_bytes(bytes(blob.content))) != blob.sha256:
            yield f"blob {blob.sha256} does not hash to its address"
    for sha256, whose in missing.items():
        yield f"{whose} {sha256} is missing"


def versions_of_items() -> tuple[dict[int, bytes], list[str]]:
    """The hash of each version of an item, and those that were changed."""
    found: dict[int, bytes] = {}
    broken = []
    for row in ItemVersion.objects.iterator(chunk_size=AT_ONCE):
        found[row.number] = hashlib.sha256(row.content).digest()
        if found[row.number] != bytes(row.sha256):
            broken.append(f"item version {row.number} does not hash to its address")
    return found, broken


def _changed() -> Faults:
    for blob in SealedBlob.objects.iterator(chunk_size=AT_ONCE):
        address = bytes(blob.address).hex()
        if hashlib.sha256(blob.content).hexdigest() != address:
            yield f"sealed blob {address} of {blob.period:%Y-%m} does not hash to its address"


def linked(needed: Needed, versions: dict[int, bytes]) -> Faults:
    """Name sealed blobs that records need and that are missing, do not open, or name what is missing; hot or cold."""
    keys, _ = readable_keys(needed.owners.values())  # whose key is broken was named with their records
    names, owners = dict(needed.sealed), dict(needed.owners)
    waiting, seen = set(names), set(names)
    closed: set[date] = set()
    while waiting:  # what a blob names in its turn is looked at in the next round
        found: set[Place] = set()
        further: set[Place] = set()
        for place, owner, content in _contents(waiting, closed):
            found.add(place)
            if owner != owners[place]:
                yield f"{names[place]} {place[1]} is on record as another person's"
            if (key := keys.get(owners[place])) is None:
                continue  # erased, or named as gone already
            said, faults = _said(key, content, versions)
            yield from (f"{names[place]} {place[1]}: {fault}" for fault in faults)
            for what, address in _named(said):
                one = (place[0], address)
                names[one], owners[one] = f"{needed.sealed.get(place, names[place])}, its {what}", owners[place]
                further.add(one)
        missing = sorted(place for place in waiting - found if place[0] not in closed)
        yield from (f"{names[place]} {place[1]} is missing" for place in missing)
        waiting = further - seen
        seen |= further


def _contents(places: set[Place], closed: set[date]) -> Iterator[tuple[Place, UUID, bytes]]:
    """Whose blobs are on record as, and their contents, some at a time. Adds months that cannot be read to `closed`."""
    found: set[Place] = set()
    ordered = iter(sorted(places))
    while chunk := list(islice(ordered, AT_ONCE)):
        rows = SealedBlob.objects.filter(
            period__in={period for period, _ in chunk}, address__in=[bytes.fromhex(address) for _, address in chunk]
        )
        for row in rows:
            place = (row.period, bytes(row.address).hex())
            if place in places:
                found.add(place)
                yield place, row.pseudonym, bytes(row.content)
    if left := places - found:
        yield from _cold_contents(left, closed)


def _cold_contents(places: set[Place], closed: set[date]) -> Iterator[tuple[Place, UUID, bytes]]:
    """The same of months that left PostgreSQL: their files are read through once."""
    store = cold_store()
    for month in ColdMonth.objects.filter(table=BLOBS.name, period__in={period for period, _ in places}):
        if month.expired_at is not None:
            closed.add(month.period)
            continue
        try:
            for each in month.files:
                store.holds(each["name"], each["sha256"])
                for batch in read(store.local(each["name"], each["sha256"]), BLOBS):
                    rows = zip(*(values(batch, name) for name in ("address", "pseudonym", "content")), strict=True)
                    for address, owner, content in rows:
                        if (place := (month.period, address.hex())) in places:
                            yield place, UUID(bytes=owner), content
        except ColdDamaged:
            closed.add(month.period)  # the file is named where files are hashed


def _said(key: bytes, content: bytes, versions: dict[int, bytes]) -> tuple[Document, list[str]]:
    """What a blob says, and what is wrong with the versions of items that it names."""
    try:
        said: Document = orjson.loads(open_blob(key, content))
    except (SealBroken, ValueError) as error:
        return {}, [str(error)]
    numbers = said.get("items", [])
    if absent := [number for number in numbers if number not in versions]:
        return said, [f"version {absent[0]} of an item is missing"]
    hashes = b"".join(versions[number] for number in numbers)
    if numbers and hashlib.sha256(hashes).hexdigest() != said["items_sha256"]:
        return said, ["the versions of items are not those that were recorded"]
    return said, []


def _named(said: Document) -> Iterator[tuple[str, str]]:
    """The further blobs that one names."""
    if said.get("past"):
        yield "past", said["past"]
    for address in said.get("blocks", ()):
        yield "block", address
