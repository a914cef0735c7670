"""The log as static files: tiles of 256 hashes and bundles of entries (C2SP tlog-tiles), written and read."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from compliance.audit.log.check import check_tiles
from compliance.audit.log.files import put_tiles
from compliance.audit.log.paths import ENTRIES, TILE_WIDTH, tile_path
from compliance.audit.log.reading import LogDamaged, TileReader, join_entries
from compliance.audit.log.rebuild import rebuild
from compliance.audit.log.tree import (
    consistency_proof,
    fold,
    growing_roots,
    inclusion_proof,
    leaf_hashes,
    peaks,
    roll_up,
)

MAX_ENTRY_BYTES: Final = 65_535  # a bundle gives each entry's length as a uint16


class EntryRefused(ValueError):
    """An entry cannot be written into the log."""


class TileStore:
    """The files of one log below a folder that exists. One writer at a time; readers need no lock.

    The checkpoint belongs to the caller, who publishes it last: files beyond its size are an append that has not
    finished, are ignored by everything here, and are completed when the same entries are appended again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files = TileReader(folder)

    def append(self, entries: Sequence[bytes], *, size: int, root: bytes | None = None) -> bytes:
        """Write entries (each at most 65,535 bytes) after the first `size`; return the 32-byte root over all.

        All files are durable when this returns. After a crash at any point, append the same entries again, alone or
        with more behind them. Give `root`, the one last signed, and damaged files are refused before they are built
        upon. Raises EntryRefused, LogDamaged, FileConflict (other entries were given these places before), OSError.
        """
        _refuse_long(entries)
        held, edge = self._edge(size)
        if root is not None and _root(edge) != root:
            raise LogDamaged(
                f"The files in {self.folder} do not give the root that was signed for {size} entries: nothing was "
                "appended. Check the log, and rebuild the files that it names."
            )
        if not entries:
            return _root(edge)
        bundles = _bundles(entries, size, held)
        tiles, rows = filled_tiles(leaf_hashes(entries), size, edge)
        files = ((self.folder / path, content) for path, content in itertools.chain(bundles, tiles))
        put_tiles(files, self.folder)
        return _root(rows)

    def root(self, size: int) -> bytes:
        """The root over the first `size` entries, by the tiles at the tree's right edge. Raises LogDamaged."""
        return _root(self._files.edge(size))

    def roots(self, number: int, sizes: Sequence[int]) -> Iterator[bytes]:
        """The roots over ascending `sizes` that all end in level-0 tile `number`; each file is read once.

        For one size at a time there is `root`; for the many checkpoints of a history this is faster. Raises LogDamaged.
        """
        edge = self._files.edge(number * TILE_WIDTH)
        before = [peak for row in reversed(edge[1:]) for peak in peaks(row)]
        widths = [size - number * TILE_WIDTH for size in sizes]
        row = self._files.row(0, number, widths[-1]) if widths[-1] else []
        return growing_roots(before, row, widths)

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """The path from entry `index` to the root over `size` entries. Raises NotProved, LogDamaged."""
        return inclusion_proof(index, size, self._files.hash_reader(size))

    def consistency_proof(self, old: int, new: int) -> list[bytes]:
        """Hashes that show that the first `new` entries begin with the first `old`. Raises NotProved, LogDamaged."""
        return consistency_proof(old, new, self._files.hash_reader(new))

    def entry(self, index: int, size: int) -> bytes:
        """The bytes of entry `index` of `size`, as the bundle holds them. Raises IndexError, LogDamaged."""
        if not 0 <= index < size:
            raise IndexError(f"A log of {size} entries has no entry {index}: ask for an index below its size.")
        number, place = divmod(index, TILE_WIDTH)
        return self._files.bundle(number, min(TILE_WIDTH, size - number * TILE_WIDTH))[place]

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes of entries start..stop-1, in order; each bundle is read once. Raises IndexError, LogDamaged."""
        if not 0 <= start <= stop:
            raise IndexError(f"There are no entries from {start} to {stop}: ask for 0 <= start <= stop.")
        while start < stop:
            number, place = divmod(start, TILE_WIDTH)
            end = min(stop, (number + 1) * TILE_WIDTH)
            yield from self._files.bundle(number, end - number * TILE_WIDTH)[place:]
            start = end

    def check(self, size: int, root: bytes) -> Iterator[str]:
        """Read every file of a published checkpoint; a sentence for each that is wrong or missing. None: all hold."""
        return check_tiles(self.folder, size, root)

    def rebuild(self, entries: Sequence[bytes], *, root: bytes, aside: Path) -> list[str]:
        """Write every file of a log of exactly these entries anew; return the names of the files that were in the way.

        They are moved to `aside`, never deleted: files with other bytes, and files that no log of this size has, such
        as those of a round that is lost. `aside` is made if need be, on the same file system and not below `tile/`.
        Nothing is touched unless the entries give `root`, the one that was signed. Durable when this returns; after
        a crash, call it again. Raises LogDamaged, EntryRefused, ValueError (where `aside` cannot be), OSError.
        """
        _refuse_long(entries)
        return rebuild(self.folder, entries, root=root, aside=aside)

    def _edge(self, size: int) -> tuple[list[bytes], list[list[bytes]]]:
        """Entries of the bundle that is not full yet, and per level the hashes of the tile that is not full yet."""
        edge = self._files.edge(size)
        if size % TILE_WIDTH == 0:
            return [], edge
        number = size // TILE_WIDTH
        held = self._files.bundle(number, size % TILE_WIDTH)
        if leaf_hashes(held) != edge[0]:
            raise LogDamaged(
                f"{tile_path(ENTRIES, number, size % TILE_WIDTH)} and {tile_path(0, number, size % TILE_WIDTH)} in "
                f"{self.folder} do not belong together: nothing was appended. Check the log, and rebuild what it names."
            )
        return held, edge


def _refuse_long(entries: Sequence[bytes]) -> None:
    if entries and max(map(len, entries)) > MAX_ENTRY_BYTES:
        raise EntryRefused(f"An entry has more than {MAX_ENTRY_BYTES} bytes: log a commitment to it instead.")


def _bundles(entries: Sequence[bytes], size: int, held: list[bytes]) -> Iterator[tuple[str, bytes]]:
    """Paths and bytes of the bundles that `entries` fill after the `held` ones of the bundle begun."""
    number, start, stop = size // TILE_WIDTH, 0, TILE_WIDTH - len(held)
    while start < len(entries):
        group = [*held, *entries[start:stop]]
        yield tile_path(ENTRIES, number, len(group)), join_entries(group)
        number, start, stop, held = number + 1, stop, stop + TILE_WIDTH, []


def filled_tiles(
    hashes: list[bytes], size: int, edge: list[list[bytes]]
) -> tuple[list[tuple[str, bytes]], list[list[bytes]]]:
    """Paths and bytes of the tiles that new leaf hashes fill, and the new right edge, level by level.

    `size` is the number of leaves before them, `edge` the right edge of those (`TileReader.edge`), lowest level first.
    """
    files, rows, level, count = [], [], 0, size + len(hashes)
    while count:
        row = (edge[level] if level < len(edge) else []) + hashes
        first = size >> 8 * (level + 1)
        for at in range(0, len(row), TILE_WIDTH) if hashes else ():
            part = row[at : at + TILE_WIDTH]
            files.append((tile_path(level, first + at // TILE_WIDTH, len(part)), b"".join(part)))
        whole = len(row) - len(row) % TILE_WIDTH
        hashes = roll_up(row[:whole], 8)
        rows.append(row[whole:])
        level, count = level + 1, count >> 8
    return files, rows


def _root(rows: list[list[bytes]]) -> bytes:
    """The root by the rows of the right edge, lowest level first."""
    return fold([peak for row in reversed(rows) for peak in peaks(row)])
