"""The Merkle tree: hashes, roots, proofs and their verification (RFC 6962 §2.1, RFC 9162 §2.1.3 and §2.1.4)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()  # RFC 6962 §2.1: the root of no leaves

# The hash of the complete subtree of 2**height leaves that starts at leaf index * 2**height: read(height, index).
HashReader = Callable[[int, int], bytes]


class NotProved(ValueError):
    """A proof does not show what it claims."""


def leaf_hash(entry: bytes) -> bytes:
    """The 32-byte hash of one entry: SHA-256(0x00 || entry), RFC 6962 §2.1."""
    return hashlib.sha256(b"\0" + entry).digest()


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """The hashes of many entries, in order."""
    sha256 = hashlib.sha256
    return [sha256(b"\0" + entry).digest() for entry in entries]


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(0x01 || left || right), RFC 6962 §2.1."""
    return hashlib.sha256(b"\1" + left + right).digest()


def roll_up(hashes: list[bytes], heights: int) -> list[bytes]:
    """Pair neighbours `heights` times; the number of hashes must be a multiple of 2**heights."""
    sha256 = hashlib.sha256
    for _ in range(heights):
        each = iter(hashes)
        hashes = [sha256(b"\1" + left + right).digest() for left, right in zip(each, each, strict=True)]
    return hashes


def peaks(hashes: list[bytes]) -> list[bytes]:
    """Roots of the complete subtrees that a row of hashes falls into, the largest and leftmost first."""
    found, at = [], 0
    for height in reversed(range(len(hashes).bit_length())):
        width = 1 << height
        if len(hashes) & width:
            found += roll_up(hashes[at : at + width], height)
            at += width
    return found


def fold(found: Sequence[bytes]) -> bytes:
    """The root over complete subtrees, largest first; of none, the empty root."""
    if not found:
        return EMPTY_ROOT
    root = found[-1]
    for peak in reversed(found[:-1]):
        root = node_hash(peak, root)
    return root


def growing_roots(before: Sequence[bytes], row: Sequence[bytes], widths: Iterable[int]) -> Iterator[bytes]:
    """The roots over complete subtrees `before` and the first so many hashes of `row`, for ascending `widths`.

    The subtrees are wider than the row, largest first. Every hash is combined once, however many roots are asked for.
    """
    stack: list[bytes] = []
    done = 0
    for width in widths:
        for place in range(done, width):
            digest, at = row[place], place
            while at & 1:
                digest, at = node_hash(stack.pop(), digest), at >> 1
            stack.append(digest)
        done = width
        yield fold([*before, *stack])


def root_of(hashes: list[bytes]) -> bytes:
    """The root over leaf hashes, RFC 6962 §2.1."""
    return fold(peaks(hashes))


def inclusion_proof(index: int, size: int, read: HashReader) -> list[bytes]:
    """The path from leaf `index` to the root of `size` leaves, the leaf's sibling first (RFC 6962 §2.1.1)."""
    if not 0 <= index < size:
        raise NotProved(f"A tree of {size} entries has no entry {index}: ask for an index below its size.")
    path, low, high = [], 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_range_root(middle, high, read))
            high = middle
        else:
            path.append(_range_root(low, middle, read))
            low = middle
    return path[::-1]


def consistency_proof(old: int, new: int, read: HashReader) -> list[bytes]:
    """Hashes that show that `new` leaves begin with the `old` ones (RFC 6962 §2.1.2); none when old is 0 or new."""
    if not 0 <= old <= new:
        raise NotProved(f"A tree of {old} entries cannot have grown to {new}: ask for the smaller size first.")
    if old == 0:
        return []
    path, low, high, outermost = [], 0, new, True
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(_range_root(middle, high, read))
            high = middle
        else:
            path.append(_range_root(low, middle, read))
            low, outermost = middle, False
    if not outermost:
        path.append(_range_root(low, high, read))
    return path[::-1]


def root_from_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that a leaf hash at `index` of `size` has by its path (RFC 9162 §2.1.3.2). Raises NotProved."""
    if not 0 <= index < size:
        raise NotProved(f"Entry {index} cannot be in a tree of {size}: the index must be below the size.")
    place, last, root = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise NotProved(
                f"The inclusion proof of entry {index} in {size} has {len(path)} hashes, which is too many."
            )
        if place & 1 or place == last:
            root = node_hash(sibling, root)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        place, last = place >> 1, last >> 1
    if last:
        raise NotProved(f"The inclusion proof of entry {index} in {size} has {len(path)} hashes, which is too few.")
    return root


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Refuse (NotProved) unless `path` leads from a leaf hash at `index` to the root of `size` leaves."""
    if root_from_inclusion(leaf, index, size, path) != root:
        raise NotProved(f"The inclusion proof does not lead from this entry at {index} to the root of {size} entries.")


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> None:
    """Refuse (NotProved) unless `path` shows that the new tree begins with the old one (RFC 9162 §2.1.4.2)."""
    if not 0 <= old <= new:
        raise NotProved(f"A tree of {old} entries cannot have grown to {new}: logs only grow.")
    if old in (0, new):
        if path:
            raise NotProved(
                f"From {old} to {new} entries there is nothing to prove, yet the proof has {len(path)} hashes."
            )
        if old_root != (new_root if old == new else EMPTY_ROOT):
            raise NotProved(f"Two different roots are given for a tree of {old} entries.")
        return
    found_old, found_new = _roots_from_consistency(old, new, [old_root, *path] if not old & (old - 1) else list(path))
    if found_old != old_root:
        raise NotProved(f"The consistency proof does not give the root of the {old} older entries.")
    if found_new != new_root:
        raise NotProved(f"The consistency proof does not lead from {old} entries to the root of {new}.")


def _roots_from_consistency(old: int, new: int, path: list[bytes]) -> tuple[bytes, bytes]:
    """Both roots by a path that starts with the hash that they share, 0 < old < new."""
    if not path:
        raise NotProved(f"The consistency proof from {old} to {new} entries is empty.")
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old_root = new_root = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise NotProved(f"The consistency proof from {old} to {new} entries has too many hashes.")
        if place & 1 or place == last:
            old_root, new_root = node_hash(sibling, old_root), node_hash(sibling, new_root)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new_root = node_hash(new_root, sibling)
        place, last = place >> 1, last >> 1
    if last:
        raise NotProved(f"The consistency proof from {old} to {new} entries has too few hashes.")
    return old_root, new_root


def _split(width: int) -> int:
    """The largest power of two below `width`, for width > 1."""
    return 1 << ((width - 1).bit_length() - 1)


def _range_root(low: int, high: int, read: HashReader) -> bytes:
    """The root over leaves low..high-1, where `low` is a multiple of the largest subtree in it."""
    found = []
    while low < high:
        height = (high - low).bit_length() - 1
        found.append(read(height, low >> height))
        low += 1 << height
    return fold(found)
