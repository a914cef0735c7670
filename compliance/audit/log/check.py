"""The full audit of a log's files against one signed root: every file that is wrong or missing is named.

From the leaves up, every tile gets the rows of hashes that it may truly hold: as its files say, and as the files below
say. From the signed root down, one of them is proved: its hash is in the proved row above. Files that differ are named.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from compliance.audit.log.paths import ENTRIES, TILE_WIDTH, is_tile_path, tile_path
from compliance.audit.log.reading import split_entries, split_hashes
from compliance.audit.log.tree import fold, leaf_hashes, peaks, root_of

Row = list[bytes]


@dataclass(kw_only=True)
class _View:
    """One file's word on a tile: its hashes (a bundle's are those of its entries), or what is wrong with it."""

    path: str
    row: Row = field(default_factory=list)
    problem: str = ""


@dataclass(kw_only=True)
class _Tile:
    """A tile with the rows that it may hold, by their root; None instead of a row that all files agreed upon."""

    width: int
    views: list[_View]
    rows: dict[bytes, Row | None]


def check_tiles(folder: Path, size: int, root: bytes) -> Iterator[str]:
    """Audit the files of the first `size` entries against their 32-byte root: a sentence for each that fails."""
    levels: list[list[_Tile]] = []
    while count := size >> 8 * len(levels):
        below = levels[-1] if levels else None
        levels.append(
            [
                _read(folder, len(levels), number, min(TILE_WIDTH, count - number * TILE_WIDTH), below)
                for number in range(-(-count // TILE_WIDTH))
            ]
        )
    edge = _proved_edge(levels, root)
    if edge is None:
        yield _no_root(levels, size, root)
    proved: dict[int, Row | None] = {}
    for level in reversed(range(len(levels))):
        above, proved = proved, {}
        for number, tile in enumerate(levels[level]):
            parent = above.get(number // TILE_WIDTH)
            if tile.width < TILE_WIDTH:
                row = edge[level] if edge is not None else None
                yield from _judged(tile, row)
            elif parent is None:
                row = _presumed(tile)
                yield from _judged(tile, row)
            elif (key := parent[number % TILE_WIDTH]) in tile.rows:
                row = tile.rows[key]
                yield from _judged(tile, row)
            else:
                row = None
                yield from _refuted(tile)
            proved[number] = row
    yield from _strangers(folder)


def _read(folder: Path, level: int, number: int, width: int, below: list[_Tile] | None) -> _Tile:
    """A tile as its files have it, and as the tiles below would have it."""
    views = _views(folder, level, number, width)
    if below is None:
        views += _views(folder, ENTRIES, number, width)
    rows = [view.row for view in views if len(view.row) == width]
    if below is not None and (derived := _derived(below[number * TILE_WIDTH :][:width], rows)):
        rows.insert(0, derived)
    by_root: dict[bytes, Row | None] = {}
    for row in rows:
        if row not in by_root.values():
            by_root[root_of(row)] = row
    tile = _Tile(width=width, views=views, rows=by_root)
    if level == 0 and width == TILE_WIDTH and len(by_root) == 1 and not any(view.problem for view in views):
        for view in views:
            view.row = []  # all agree, so the hash alone says whether they are right: a large log fits into memory
        tile.rows = dict.fromkeys(by_root)
    return tile


def _derived(below: list[_Tile], stored: list[Row]) -> Row | None:
    """The row that the tiles below give; the stored rows decide between their files. None if one says nothing."""
    row = []
    for place, tile in enumerate(below):
        said = [each[place] for each in stored]
        fitting = [root for root in tile.rows if root in said] or list(tile.rows) or said
        if not fitting:
            return None
        row.append(fitting[0])
    return row


def _views(folder: Path, kind: int | str, number: int, width: int) -> list[_View]:
    """What each file of a tile or bundle says, cut to `width`; one that must be there and is not says so.

    A writer may be at work: it removes partial files once the whole one is there, so the whole one is read last.
    """
    whole = tile_path(kind, number)
    found = {
        each: _view(folder, kind, tile_path(kind, number, each), each, width)
        for each in _partial_widths(folder / f"{whole}.p")
        if each <= width  # a wider one belongs to an append that the root does not cover
    }
    first = _view(folder, kind, whole, TILE_WIDTH, width)
    if first is None and found.get(width) is None:
        first = _View(path=tile_path(kind, number, width), problem="is missing")
    return [view for view in (first, *found.values()) if view is not None]


def _partial_widths(partial: Path) -> list[int]:
    try:
        names = [each.name for each in partial.iterdir()]
    except (FileNotFoundError, NotADirectoryError):  # a file of that name is named as a stranger
        return []
    return sorted(int(name) for name in names if name.isdecimal() and name.isascii() and 0 < int(name) < TILE_WIDTH)


def _view(folder: Path, kind: int | str, path: str, holds: int, width: int) -> _View | None:
    """What one file says, cut to `width`; None where it is not there."""
    try:
        content = (folder / path).read_bytes()
        row = leaf_hashes(split_entries(content)) if kind == ENTRIES else split_hashes(content)
    except FileNotFoundError:
        return None
    except OSError as error:
        return _View(path=path, problem=f"cannot be read ({error.strerror})")
    except ValueError as error:
        return _View(path=path, problem=str(error))
    if len(row) != holds:
        return _View(path=path, problem=f"holds {len(row)} instead of {holds}")
    return _View(path=path, row=row[:width])


def _proved_edge(levels: list[list[_Tile]], root: bytes) -> list[Row] | None:
    """The rows of the tiles that are not full, lowest first, which together give the root; None if none do."""
    choices: list[list[Row]] = []
    for tiles in levels:
        last = tiles[-1]
        choices.append([[]] if last.width == TILE_WIDTH else [row for row in last.rows.values() if row is not None])
    for rows in itertools.product(*choices):
        if fold([peak for row in reversed(rows) for peak in peaks(row)]) == root:
            return list(rows)
    return None


def _no_root(levels: list[list[_Tile]], size: int, root: bytes) -> str:
    names = [
        view.path for tiles in levels for view in tiles[-1].views if tiles[-1].width < TILE_WIDTH and not view.problem
    ]
    return (
        f"The files give another root than {root.hex()}, which was signed for {size} entries: these files, or those "
        f"below them, are wrong: {', '.join(names) or 'none is left'}."
    )


def _presumed(tile: _Tile) -> Row | None:
    """The row that is taken for a full tile whose hash could not be proved, if there is only one."""
    return next(iter(tile.rows.values())) if len(tile.rows) == 1 else None


def _judged(tile: _Tile, row: Row | None) -> Iterator[str]:
    """A sentence for each file of a tile that does not hold the beginning of its row, as far as that is known."""
    for view in tile.views:
        if view.problem:
            yield f"{view.path} {view.problem}."
        elif row is not None and view.row and view.row != row[: len(view.row)]:
            yield f"{view.path} holds other bytes than the signed root stands for."
        elif row is None and len(tile.rows) > 1:
            yield f"{view.path} disagrees with another file of the same entries, and nothing tells which is right."


def _refuted(tile: _Tile) -> Iterator[str]:
    """A sentence for each file of a full tile of which none gives the hash that the proved row above it has."""
    for view in tile.views:
        yield f"{view.path} {view.problem or 'holds other bytes than the signed root stands for'}."


def _strangers(folder: Path) -> Iterator[str]:
    """A sentence for each file below tile/ whose name no file of a log has; unfinished writes begin with a dot."""
    for parent, _, names in os.walk(folder / "tile"):
        for name in sorted(names):
            path = (Path(parent) / name).relative_to(folder).as_posix()
            if not name.startswith(".") and not is_tile_path(path):
                yield f"{path} is no file of a log."
