"""Writing a log's files anew from its entries, with whatever is in the way moved aside and kept."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from compliance.audit.log.files import put_tiles, sync_folder
from compliance.audit.log.paths import ENTRIES, TILE_WIDTH, covers, is_tile_path, parse_path, tile_path
from compliance.audit.log.reading import LogDamaged, join_entries
from compliance.audit.log.tree import leaf_hashes, roll_up, root_of


def rebuild(folder: Path, entries: Sequence[bytes], *, root: bytes, aside: Path) -> list[str]:
    """What `TileStore.rebuild` says."""
    hashes = leaf_hashes(entries)
    if root_of(hashes) != root:
        raise LogDamaged(
            f"These {len(entries)} entries do not give the root {root.hex()}, which was signed: nothing was touched. "
            "Restore the entries that were logged before the files are written anew."
        )
    if aside.resolve().is_relative_to((folder / "tile").resolve()):
        raise ValueError(f"{aside} lies below the log's tiles, where it would be taken for a part of the log.")
    whole = _Whole(entries, hashes)
    moved = sorted(_in_the_way(folder, whole))
    if moved:
        _move(folder, moved, aside)
    put_tiles(((folder / path, content) for path, content in whole.files()), folder)
    return moved


class _Whole:
    """All that the files of a log of some entries hold."""

    def __init__(self, entries: Sequence[bytes], hashes: list[bytes]) -> None:
        self.size = len(entries)
        self._entries = entries
        self._rows = [hashes]
        while (full := len(self._rows[-1]) // TILE_WIDTH) > 0:
            self._rows.append(roll_up(self._rows[-1][: full * TILE_WIDTH], 8))

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Paths and bytes of the files that a log of this size needs."""
        kinds: list[tuple[int | str, int]] = [(ENTRIES, self.size)]
        kinds += [(level, len(row)) for level, row in enumerate(self._rows)]
        for kind, count in kinds:
            for number in range(-(-count // TILE_WIDTH)):
                width = min(TILE_WIDTH, count - number * TILE_WIDTH)
                yield tile_path(kind, number, width), self._part(kind, number, width)

    def content(self, path: str) -> bytes | None:
        """What a file holds; None where no log of this size or a smaller one has it."""
        place = parse_path(path)
        return self._part(*place) if place is not None and covers(path, self.size) else None

    def _part(self, kind: int | str, number: int, width: int) -> bytes:
        part = slice(number * TILE_WIDTH, number * TILE_WIDTH + width)
        return join_entries(self._entries[part]) if isinstance(kind, str) else b"".join(self._rows[kind][part])


def _in_the_way(folder: Path, whole: _Whole) -> Iterator[str]:
    """Names of what lies below tile/ and must not; unfinished writes begin with a dot and are nobody's concern."""
    top = folder / "tile"
    if top.is_symlink() or top.is_file():
        yield "tile"
        return
    for parent, folders, names in os.walk(top):
        for name in [*folders, *names]:
            path = Path(parent) / name
            relative = path.relative_to(folder).as_posix()
            if path.is_dir() and not path.is_symlink():
                if is_tile_path(relative) or path.parent.name.endswith(".p"):  # a folder where only files may be
                    folders.remove(name)
                    yield relative
            elif not name.startswith(".") and not _holds(path, whole.content(relative)):
                yield relative


def _holds(path: Path, content: bytes | None) -> bool:
    """Whether a file is a real one and has these bytes; one that cannot be read has not."""
    if content is None or path.is_symlink() or not path.is_file():
        return False
    try:
        return path.read_bytes() == content
    except OSError:
        return False


def _move(folder: Path, names: list[str], aside: Path) -> None:
    """Move files out of the log, each to a name of its own; durable when this returns."""
    aside.mkdir(exist_ok=True)
    sync_folder(aside.parent)
    for name in names:
        (folder / name).rename(_free(aside, name.replace("/", "_")))
    for each in (aside, *{(folder / name).parent for name in names}):
        sync_folder(each)


def _free(aside: Path, name: str) -> Path:
    """A path in a folder that is not taken: nothing that was moved there before may be lost."""
    names = (aside / each for each in itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2))))
    return next(path for path in names if not os.path.lexists(path))
