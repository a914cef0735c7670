"""Reading a log's files: hashes of a tile, entries of a bundle, and any hash of the tree through them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from compliance.audit.log.paths import ENTRIES, TILE_WIDTH, tile_path
from compliance.audit.log.tree import HASH_BYTES, HashReader, roll_up


class LogDamaged(RuntimeError):
    """A file of the log is missing or does not hold what it must."""


def split_hashes(content: bytes) -> list[bytes]:
    """The hashes of a tile. Raises ValueError."""
    if len(content) % HASH_BYTES:
        raise ValueError(f"has {len(content)} bytes, which are no whole number of {HASH_BYTES}-byte hashes")
    return [content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)]


def split_entries(content: bytes) -> list[bytes]:
    """The entries of a bundle, each behind its length as a big-endian uint16. Raises ValueError."""
    found: list[bytes] = []
    at, end = 0, len(content)
    while at < end:
        start = at + 2
        at = start + (content[start - 2] << 8) + content[start - 1] if start <= end else end + 1
        if at > end:
            raise ValueError(f"ends inside entry {len(found)}")
        found.append(content[start:at])
    return found


def join_entries(entries: Iterable[bytes]) -> bytes:
    """A bundle's bytes for entries of at most 65,535 bytes each."""
    return b"".join([part for entry in entries for part in (len(entry).to_bytes(2, "big"), entry)])


class TileReader:
    """Reads the files of one log for a given number of entries; what lies beyond is not looked at."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def row(self, level: int, number: int, width: int) -> list[bytes]:
        """The first `width` hashes of a tile. Raises LogDamaged."""
        return self._parsed(level, number, width)

    def bundle(self, number: int, width: int) -> list[bytes]:
        """The first `width` entries of a bundle. Raises LogDamaged."""
        return self._parsed(ENTRIES, number, width)

    def edge(self, size: int) -> list[list[bytes]]:
        """Per level, the hashes of the tile that is not full yet; none where all are full. Raises LogDamaged."""
        rows, level = [], 0
        while count := size >> 8 * level:
            width = count % TILE_WIDTH
            rows.append(self.row(level, count // TILE_WIDTH, width) if width else [])
            level += 1
        return rows

    def hash_reader(self, size: int) -> HashReader:
        """A reader of complete subtrees of the first `size` entries; it reads each tile once."""
        rows: dict[tuple[int, int], list[bytes]] = {}

        def read(height: int, index: int) -> bytes:
            level, inside = divmod(height, 8)
            number, at = divmod(index << inside, TILE_WIDTH)
            if (level, number) not in rows:
                width = min(TILE_WIDTH, (size >> 8 * level) - number * TILE_WIDTH)
                rows[level, number] = self.row(level, number, width)
            return roll_up(rows[level, number][at : at + (1 << inside)], inside)[0]

        return read

    def _parsed(self, kind: int | str, number: int, width: int) -> list[bytes]:
        path, content = self._content(kind, number, width)
        try:
            found = (split_entries if kind == ENTRIES else split_hashes)(content)
        except ValueError as error:
            raise LogDamaged(f"{path} {error}: check the log, and rebuild the files that it names.") from error
        if len(found) < width:
            raise LogDamaged(f"{path} holds {len(found)} of {width}: check the log, and rebuild the files it names.")
        return found[:width]

    def _content(self, kind: int | str, number: int, width: int) -> tuple[Path, bytes]:
        whole = self._folder / tile_path(kind, number)
        for path in _places(whole, width):
            try:
                return path, path.read_bytes()
            except FileNotFoundError:
                continue
        raise LogDamaged(
            f"{self._folder / tile_path(kind, number, width)} is missing: check the log, and rebuild what it names."
        )


def _places(whole: Path, width: int) -> Iterator[Path]:
    """Where the first `width` of a tile may be: in the whole one, the partial one of this width, or a wider one."""
    yield whole
    if width == TILE_WIDTH:
        return
    partial = whole.with_name(f"{whole.name}.p")
    yield partial / str(width)
    try:
        names = [each.name for each in partial.iterdir()]
    except FileNotFoundError:
        names = []
    yield from (partial / str(each) for each in sorted(int(name) for name in names if name.isdecimal()) if each > width)
    yield whole  # it became whole, and its partial forms went, while we looked
