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
from compliance.audit.models.witnesses import LogCosignature
from compliance.audit.verification.witnesses import witnesses
from compliance.audit.witnessing.policy import witness_policy

LAG: Final = timedelta(seconds=5)
"""Between a checkpoint in the database and its file: the sequencer writes the one right after the other."""


def heads(place: LogPlace, now: datetime) -> Generator[str, None, Checkpoint | None]:
    """Name what is wrong with signed heads, tiles and cosignatures; return the newest head that holds."""
    # Files first: the sequencer writes them after the database, so that what they sign must be known there by now.
    texts = [(folder / CHECKPOINT, published(folder)) for folder in place.folders]
    known: dict[int, Checkpoint] = {}
    made: dict[int, datetime] = {}
    number = 0
    for row in LogCheckpoint.objects.order_by("size").iterator():
        if row.number != number + 1:
            yield f"checkpoint {row.size} is number {row.number} and follows on number {number}: some were removed"
        number = row.number
        try:
            known[row.size], made[row.size] = place.row_head(row), row.made_at
        except NoteRefused as error:
            yield f"checkpoint {row.size} in the database: {error}"
    for path, text in texts:
        due = {size for size, at in made.items() if now - at > LAG}
        yield from _published(place, path, text, known, due, now)
    newest = known[max(known)] if known else None
    if newest is not None:
        yield from place.tiles.check(newest.size, newest.root)
        yield from _grown(place, known)
    yield from witnesses(witness_policy(), now)
    return newest


def _published(
    place: LogPlace, path: Path, text: str | None, known: dict[int, Checkpoint], due: set[int], now: datetime
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
    else:
        yield from _cosigned(path, text, head.size, now)


def _cosigned(path: Path, text: str, size: int, now: datetime) -> Generator[str]:
    """A published checkpoint's further signatures: those that the database has, all of them, and no others."""
    note = LogCheckpoint.objects.values_list("note", flat=True).get(size=size)
    known = dict(LogCosignature.objects.filter(size=size).values_list("line", "made_at"))
    published = text.removeprefix(note).splitlines(keepends=True)
    if not text.startswith(note) or not known.keys() >= set(published) or len(set(published)) < len(published):
        yield f"{path} is not, to the byte, what was signed for {size} leaves: its signature lines were changed"
    elif any(now - made_at > LAG for line, made_at in known.items() if line not in published):
        yield f"{path} lacks a cosignature that the database has for {size} leaves"


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
