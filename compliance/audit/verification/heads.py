"""Signed heads: those in the database, those that are published, and whether the tiles agree with all of them."""

from __future__ import annotations

import itertools
from collections.abc import Generator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from compliance.audit.heads import CHECKPOINT, LogPlace, published
from compliance.audit.log.note import Checkpoint, NoteRefused
from compliance.audit.log.paths import TILE_WIDTH
from compliance.audit.log.reading import LogDamaged
from compliance.audit.models import LogCheckpoint

LAG: Final = timedelta(seconds=5)
"""Between a checkpoint in the database and its file: the sequencer writes the one right after the other."""


def heads(place: LogPlace, now: datetime) -> Generator[str, None, Checkpoint | None]:
    """Name what is wrong with signed heads and tiles; return the newest head that holds."""
    # Files first: the sequencer writes them after the database, so that what they sign must be known there by now.
    texts = [(folder / CHECKPOINT, published(folder)) for folder in place.folders]
    known: dict[int, Checkpoint] = {}
    made: dict[int, datetime] = {}
    for row in LogCheckpoint.objects.order_by("size").iterator():
        try:
            known[row.size], made[row.size] = place.row_head(row), row.made_at
        except NoteRefused as error:
            yield f"checkpoint {row.size} in the database: {error}"
    for path, text in texts:
        yield from _published(place, path, text, known, {size for size, at in made.items() if now - at > LAG})
    newest = known[max(known)] if known else None
    if newest is not None:
        yield from place.tiles.check(newest.size, newest.root)
        yield from _grown(place, known)
    return newest


def _published(
    place: LogPlace, path: Path, text: str | None, known: dict[int, Checkpoint], due: set[int]
) -> Generator[str]:
    """One published checkpoint; `due` are the sizes that must be in the file by now."""
    if text is None:
        if due:
            yield f"{path} is missing, but {max(due)} leaves were signed"
        return
    try:
        head = place.head(text)
    except NoteRefused as error:
        yield f"{path}: {error}"
        return
    if head.size not in known:
        yield f"{path} signs {head.size} leaves, of which the database knows nothing: it was changed, or is older"
    elif known[head.size].root != head.root:
        yield f"{path} signs another root for {head.size} leaves than the database holds: the log was forked"
    elif due and max(due) > head.size:
        yield f"{path} signs {head.size} leaves, but {max(due)} were signed since"


def _grown(place: LogPlace, known: dict[int, Checkpoint]) -> Generator[str]:
    """Every head of the history against the tiles that were written since, each tile read once."""
    for number, group in itertools.groupby(sorted(known), key=lambda size: size // TILE_WIDTH):
        sizes = list(group)
        try:
            for size, root in zip(sizes, place.tiles.roots(number, sizes), strict=True):
                if root != known[size].root:
                    yield (
                        f"checkpoint {size} signs another root than the tiles have for {size} leaves: the log was "
                        "forked"
                    )
        except LogDamaged as error:
            yield f"checkpoints {sizes[0]} to {sizes[-1]} cannot be compared with the tiles: {error}"
