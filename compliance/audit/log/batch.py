"""Log entries that stand for one event or for a batch of them, so that one leaf may carry 65,536 commitments.

Every event is a commitment of 32 bytes. An entry has one of two forms, and each list of commitments only one of them:

    one event          0x01 0x01  commitment (32)                                               34 bytes
    2 to 65,536 events 0x01 0x02  number of events (uint32, big-endian)  inner root (32)        38 bytes

The first byte is the version. The inner root is the RFC 6962 root over the commitments, each being one inner entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from compliance.audit.log.tree import (
    HASH_BYTES,
    inclusion_proof,
    leaf_hash,
    leaf_hashes,
    roll_up,
    root_from_inclusion,
    root_of,
)

SINGLE: Final = b"\x01\x01"
BATCH: Final = b"\x01\x02"
MAX_BATCH: Final = 65_536


class BatchRefused(ValueError):
    """Commitments cannot make an entry, or bytes are not an entry."""


@dataclass(frozen=True, kw_only=True)
class InnerProof:
    """A commitment's place in a batch: its index, the batch's number of events, the path to the inner root."""

    index: int
    count: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What an entry stands for: one commitment (count 1), or a batch by its inner root."""

    count: int
    hash: bytes


def entry_of(commitments: Sequence[bytes]) -> bytes:
    """The entry's bytes for 1 to 65,536 commitments of 32 bytes. Raises BatchRefused."""
    _check(commitments)
    if len(commitments) == 1:
        return SINGLE + commitments[0]
    return BATCH + len(commitments).to_bytes(4, "big") + root_of(leaf_hashes(commitments))


def parse_entry(entry: bytes) -> Entry:
    """What an entry's bytes say. Raises BatchRefused."""
    if entry[:2] == SINGLE and len(entry) == 2 + HASH_BYTES:
        return Entry(count=1, hash=entry[2:])
    if entry[:2] == BATCH and len(entry) == 6 + HASH_BYTES:
        count = int.from_bytes(entry[2:6], "big")
        if 2 <= count <= MAX_BATCH:
            return Entry(count=count, hash=entry[6:])
        raise BatchRefused(f"The entry says that it stands for {count} events: a batch has 2 to {MAX_BATCH}.")
    raise BatchRefused(f"{len(entry)} bytes that begin with {entry[:2].hex()} are no entry of version 1.")


def inner_proof(commitments: Sequence[bytes], index: int) -> InnerProof | None:
    """The proof of one commitment within its batch; None where the entry stands for it alone. Raises BatchRefused."""
    _check(commitments)
    if not 0 <= index < len(commitments):
        raise BatchRefused(f"A batch of {len(commitments)} has no event {index}: ask for an index below its number.")
    if len(commitments) == 1:
        return None
    leaves = leaf_hashes(commitments)

    def read(height: int, place: int) -> bytes:
        return roll_up(leaves[place << height : (place + 1) << height], height)[0]

    path = inclusion_proof(index, len(leaves), read)
    return InnerProof(index=index, count=len(leaves), path=tuple(path))


def entry_from_proof(commitment: bytes, proof: InnerProof | None) -> bytes:
    """The only entry in which `proof` can place the commitment. Raises BatchRefused, NotProved."""
    if proof is None:
        return entry_of([commitment])
    if len(commitment) != HASH_BYTES or not 2 <= proof.count <= MAX_BATCH:
        raise BatchRefused(f"A batch has 2 to {MAX_BATCH} commitments of {HASH_BYTES} bytes.")
    root = root_from_inclusion(leaf_hash(commitment), proof.index, proof.count, proof.path)
    return BATCH + proof.count.to_bytes(4, "big") + root


def _check(commitments: Sequence[bytes]) -> None:
    if not 1 <= len(commitments) <= MAX_BATCH:
        raise BatchRefused(f"An entry stands for 1 to {MAX_BATCH} events, not for {len(commitments)}: split the batch.")
    if any(len(commitment) != HASH_BYTES for commitment in commitments):
        raise BatchRefused(f"A commitment has {HASH_BYTES} bytes: log commitments, never the events themselves.")
