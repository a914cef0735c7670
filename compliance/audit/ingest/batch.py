"""A batch of decisions taken elsewhere: judged whole, event by event, before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from compliance.audit.ingest.document import MOST_EVENTS, External, read_event
from compliance.audit.ingest.items import Wrong
from compliance.audit.ingest.scanning import Scanned, externals, learn

MOST_NAMED: Final = 50
"""So many wrong events are named; the rest are counted."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is wrong with one event of a batch. `place` counts from 0."""

    place: int
    id: str
    problem: str


class BatchRefused(ValueError):
    """A batch that is not written. `conflict`: it contradicts what is on record, and is not malformed."""

    def __init__(self, message: str, problems: Sequence[Problem] = (), *, conflict: bool = False) -> None:
        super().__init__(message)
        self.problems = tuple(problems[:MOST_NAMED])
        self.count = len(problems)
        self.conflict = conflict


def read_batch(events: object, *, service: str, source: str, now_ms: int) -> list[External]:
    """Judge every event, parsed or scanned; return them sorted by id. Raises BatchRefused that names each wrong one."""
    if isinstance(events, Scanned):
        try:
            return _sorted(list(externals(events, service=service, source=source, now_ms=now_ms)))
        except Wrong:
            events = events.parsed()
    if not isinstance(events, list) or not 0 < len(events) <= MOST_EVENTS:
        raise BatchRefused(
            f"events is not a list of 1 to {MOST_EVENTS:,} decisions, so nothing was written. Send fewer at a time."
        )
    read: list[External] = []
    problems: list[Problem] = []
    for place, event in enumerate(events):
        try:
            read.append(read_event(event, service=service, source=source, now_ms=now_ms))
        except Wrong as error:
            problems.append(Problem(place=place, id=_id_of(event), problem=f"{error}."))
    if problems:
        raise _refused(problems, len(events))
    found = _sorted(read)
    learn(events)
    return found


def _sorted(read: list[External]) -> list[External]:
    """By id, so that two batches never wait for each other in a circle. Raises BatchRefused for one that is twice."""
    if len({one.id.int for one in read}) < len(read) or len({one.sequence for one in read}) < len(read):
        raise _refused(_twice(read), len(read))
    return sorted(read, key=attrgetter("id.int"))


def _refused(problems: Sequence[Problem], events: int) -> BatchRefused:
    return BatchRefused(
        f"{len(problems):,} of {events:,} decisions are not as they must be, so none was written. "
        "Correct or leave out what extra.events names and send the batch again.",
        problems,
    )


def _id_of(event: object) -> str:
    """The event's id for its producer to find it by, as far as it has one."""
    found = event.get("id") if isinstance(event, dict) else None
    return found[:36] if isinstance(found, str) else ""


def _twice(read: Sequence[External]) -> list[Problem]:
    """Name the events whose id or sequence number came before in the same batch."""
    ids: set[int] = set()
    numbers: set[int] = set()
    problems = []
    for place, one in enumerate(read):
        if one.id.int in ids or one.sequence in numbers:
            what = "id" if one.id.int in ids else f"sequence number {one.sequence}"
            problems.append(Problem(place=place, id=str(one.id), problem=f"Its {what} is in this batch twice."))
        ids.add(one.id.int)
        numbers.add(one.sequence)
    return problems
