"""The database's leaves against the tiles, and whether every leaf is signed in time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from django.db.models import Count, Max, Min

from compliance.audit import sequencer
from compliance.audit.delay import overdue
from compliance.audit.heads import LogForked, LogPlace
from compliance.audit.log.batch import BatchRefused
from compliance.audit.log.note import Checkpoint
from compliance.audit.log.reading import LogDamaged
from compliance.audit.models import LogEntry, ServeRecord
from compliance.audit.verification.tally import Progress, silent

EVERY: Final = 10_000


def leaves(place: LogPlace, head: Checkpoint | None, now: datetime, progress: Progress = silent) -> Iterator[str]:
    """Name leaves that are not in the tiles as they are in the database, and leaves that nobody signed."""
    size = 0 if head is None else head.size
    index = -1
    try:
        pairs = zip(sequencer.each_leaf(0, size), place.tiles.entries(0, size), strict=False)
        for index, (ours, theirs) in enumerate(pairs):
            if ours != theirs:
                yield f"leaf {index} in the database is not the one in the tiles"
            if index % EVERY == 0:
                progress("leaves", index)
    except (BatchRefused, LogForked) as error:
        yield f"the database's leaves: {error}"
    except LogDamaged as error:
        yield f"the tiles' entries cannot be read: {error}"
    else:
        if index + 1 < size:
            yield f"leaves {index + 1} to {size - 1} are missing from the database"
    yield from _unsigned(size, now)


def _unsigned(size: int, now: datetime) -> Iterator[str]:
    """Leaves below 0 or beyond the signed head: there may be some that the next round signs, side by side."""
    if (below := LogEntry.objects.filter(leaf__lt=0).count()) > 0:
        yield f"{below} rows of the log have leaves below 0: the sequencer numbers from 0"
    beyond = LogEntry.objects.filter(leaf__gte=size)
    seen = beyond.aggregate(first=Min("leaf"), last=Max("leaf"), leaves=Count("leaf", distinct=True))
    if seen["first"] is None:
        return
    if seen["first"] != size or seen["last"] != size + seen["leaves"] - 1:
        yield f"leaves beyond the {size} signed ones do not follow on each other: {seen['first']} to {seen['last']}"
    first = beyond.order_by("leaf", "place")[0]
    late = ServeRecord.objects.filter(id=first.event_id).exclude(source="").exists()
    if overdue(first.event_id, now, came_at=first.queued_at if late else None):
        yield (
            f"{seen['leaves']} leaves from {seen['first']} on are under no signed checkpoint, event {first.event_id} "
            "for longer than promised: the sequencer is away, or checkpoints were removed"
        )
