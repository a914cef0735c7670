"""Files read back and held against the log, before the rows that they were made of may go."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import numpy as np
import pyarrow as pa

from compliance.audit import sequencer
from compliance.audit.cold.hot_rows import Slice
from compliance.audit.cold.parquet import read, values
from compliance.audit.cold.schema import BLOBS, RECORDS
from compliance.audit.heads import LogForked, LogPlace, newest
from compliance.audit.log.batch import BatchRefused
from compliance.audit.log.commitment import commit
from compliance.audit.log.note import Checkpoint
from compliance.audit.log.reading import LogDamaged

_COLUMNS: Final = ("id", "salt", "body", "leaf", "place")


class NotVerified(Exception):
    """What was exported is not what the signed log commits to. Nothing was dropped."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What files hold, as it was read back from them and found in the log. Of blobs there are no ids and leaves."""

    rows: int
    manifest_sha256: str
    first_id: UUID | None = None
    last_id: UUID | None = None
    first_leaf: int | None = None
    last_leaf: int | None = None
    models: tuple[str, ...] = ()
    dictionaries: tuple[int, ...] = ()


@dataclass(kw_only=True)
class _Seen:
    """What gathers while files are read."""

    places: list[int] = field(default_factory=list)
    entries: list[bytes] = field(default_factory=list)
    models: set[bytes] = field(default_factory=set)
    dictionaries: set[int] = field(default_factory=set)
    least: bytes = b"\xff" * 16
    most: bytes = b""


def read_back(part: Slice, files: Sequence[Path]) -> Found:
    """Compare every row of the files with the log, commitment by commitment. Raises NotVerified, ColdDamaged."""
    if part.partition.table is BLOBS:
        return _blobs(part, files)
    seen = _Seen()
    logged = chain.from_iterable(part.logged())
    needed = (*_COLUMNS, "source", "model_sha256") if part.partition.table is RECORDS else _COLUMNS
    for batch in _batches(part, files, needed):
        for ours in zip(*(values(batch, name) for name in _COLUMNS), strict=True):
            _compare(ours, next(logged, None), seen)
        if part.partition.table is RECORDS:
            scored = zip(values(batch, "source"), values(batch, "model_sha256"), strict=True)
            seen.models |= {model for source, model in scored if model and not source}  # other rankers' are not ours
    if next(logged, None) is not None:
        raise NotVerified(f"The files of {part.partition} lack rows that the database has: nothing was dropped.")
    return _found(seen)


def _compare(ours: tuple[Any, ...], theirs: tuple[Any, ...] | None, seen: _Seen) -> None:
    event_id, salt, body, leaf, place = ours
    if theirs is None:
        raise NotVerified(f"Event {UUID(bytes=event_id)} is in the files, but in no leaf of the log.")
    digest = commit(UUID(bytes=event_id), salt, body)
    if (event_id, digest, leaf, place) != (bytes(theirs[0]), bytes(theirs[2]), theirs[3], theirs[4]):
        raise NotVerified(
            f"Event {UUID(bytes=event_id)} of leaf {leaf} is not in the files as the log commits to it: its bytes or "
            "its salt were changed. Run `manage.py audit verify`."
        )
    seen.places.append(leaf << 17 | place)
    seen.entries.append(event_id + digest)
    seen.least, seen.most = min(seen.least, event_id), max(seen.most, event_id)
    if body[:1] == b"\x02":
        seen.dictionaries.add(int.from_bytes(body[1:3], "big"))


def _found(seen: _Seen) -> Found:
    order = np.argsort(np.asarray(seen.places, np.int64), kind="stable")
    entries = np.frombuffer(b"".join(seen.entries), np.uint8).reshape(len(seen.entries), -1)
    return Found(
        rows=len(seen.entries),
        manifest_sha256=hashlib.sha256(entries[order].tobytes()).hexdigest(),
        first_id=UUID(bytes=seen.least),
        last_id=UUID(bytes=seen.most),
        first_leaf=min(seen.places) >> 17,
        last_leaf=max(seen.places) >> 17,
        models=tuple(sorted(each.hex() for each in seen.models)),
        dictionaries=tuple(sorted(seen.dictionaries)),
    )


def _blobs(part: Slice, files: Sequence[Path]) -> Found:
    """Blobs have no leaves of their own: records name them by the hash of their bytes, which is what is checked."""
    addresses: list[bytes] = []
    hot = chain.from_iterable(part.addresses())
    dictionaries: set[int] = set()
    for batch in _batches(part, files, ("address", "content")):
        for address, content in zip(values(batch, "address"), values(batch, "content"), strict=True):
            if hashlib.sha256(content).digest() != address or next(hot, None) != address:
                raise NotVerified(f"Blob {address.hex()} does not hash to its address, or is not the database's.")
            dictionaries.add(int.from_bytes(content[1:3], "big") if content[:1] == b"\x02" else 0)
            addresses.append(address)
    if next(hot, None) is not None:
        raise NotVerified(f"The files of {part.partition} lack rows that the database has: nothing was dropped.")
    return Found(
        rows=len(addresses),
        manifest_sha256=hashlib.sha256(b"".join(sorted(addresses))).hexdigest(),
        dictionaries=tuple(sorted(dictionaries)),
    )


def _batches(part: Slice, files: Iterable[Path], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    for path in files:
        yield from read(path, part.partition.table, columns)


def signed(place: LogPlace, found: Iterable[Found]) -> Checkpoint:
    """The newest signed head, once the leaves of all that was found are shown to lie under it.

    The tiles are checked against its root, and then leaf by leaf with the database's entries, which the files' rows
    were compared with. Raises NotVerified.
    """
    try:
        last = newest(place)
    except LogForked as error:
        raise NotVerified(str(error)) from error
    if last is None:
        raise NotVerified("Nothing of the log is signed yet: start `manage.py sequencer`.")
    head = last[0]
    ranges = [(each.first_leaf, each.last_leaf) for each in found if each.first_leaf is not None]
    for fault in place.tiles.check(head.size, head.root):
        raise NotVerified(f"The log's tiles are not what was signed ({fault}): run `manage.py audit verify`.")
    for first, final in ranges:
        _under(place, head, int(first), int(final or 0))
    return head


def _under(place: LogPlace, head: Checkpoint, first: int, last: int) -> None:
    if last >= head.size:
        raise NotVerified(f"Leaf {last} is under no signed checkpoint yet: wait for the sequencer.")
    try:
        ours, theirs = sequencer.each_leaf(first, last + 1), place.tiles.entries(first, last + 1)
        for index, (our, their) in enumerate(zip(ours, theirs, strict=True), start=first):
            if our != their:
                raise NotVerified(f"Leaf {index} of the database is not the one that was signed.")
    except (BatchRefused, LogDamaged, LogForked, ValueError) as error:
        raise NotVerified(f"Leaves {first} to {last} do not hold: {error}") from error
