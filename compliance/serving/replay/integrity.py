"""Grade R0: are a record's stored bytes what the log committed to, and is that under the signed tree?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from compliance.audit.columns import column_differences
from compliance.audit.delay import overdue
from compliance.audit.heads import LogForked, LogPlace, newest
from compliance.audit.log.batch import BatchRefused, entry_of
from compliance.audit.log.commitment import SaltRefused, commit
from compliance.audit.log.note import Checkpoint
from compliance.audit.log.reading import LogDamaged
from compliance.audit.log.tree import NotProved, leaf_hash, verify_inclusion
from compliance.audit.models import LogEntry, LogQueue, ServeRecord
from compliance.serving.recording import RECORD_VERSION
from compliance.serving.replay.differences import Difference


@dataclass(frozen=True, kw_only=True)
class Commitments:
    """What the log says of some records: their leaf and digest, or the digest that waits for a leaf."""

    logged: dict[UUID, tuple[int, bytes]]
    waiting: dict[UUID, bytes]
    came_at: dict[UUID, datetime | None]

    @classmethod
    def of(cls, records: Sequence[ServeRecord]) -> Commitments:
        """Look records up: one statement for those that wait, one for those that have their leaf."""
        ids = [record.id for record in records]
        # What waits first: a row moves to the log in between, never back.
        waiting = list(LogQueue.objects.filter(id__in=ids).values_list("id", "digest", "queued_at"))
        logged = list(LogEntry.objects.filter(event_id__in=ids).values_list("event_id", "leaf", "digest", "queued_at"))
        came_at: dict[UUID, datetime | None] = {event_id: at for event_id, _, at in waiting}
        came_at.update((event_id, at) for event_id, _, _, at in logged)
        return cls(
            waiting={event_id: bytes(digest) for event_id, digest, _ in waiting},
            logged={event_id: (leaf, bytes(digest)) for event_id, leaf, digest, _ in logged},
            came_at=came_at,
        )

    def faults(self, record: ServeRecord) -> Iterator[Difference]:
        """Yield what is wrong between a record's stored bytes and its commitment."""
        held = self.logged.get(record.id)
        digest = self.waiting.get(record.id) if held is None else held[1]
        if digest is None:
            found = "neither in the log nor waiting for it"
            yield Difference(what="commitment", recorded="one in the log", found=found)
            return
        try:
            again = commit(record.id, bytes(record.salt), bytes(record.body))
        except SaltRefused as error:
            yield Difference(what="commitment", recorded=digest.hex(), found=str(error))
            return
        if again != digest:
            yield Difference(what="commitment", recorded=digest.hex(), found=again.hex())


class SignedTree:
    """The tree under the newest signed checkpoint. Each leaf is proved once, however many events it stands for."""

    def __init__(self, place: LogPlace, *, now: datetime | None = None) -> None:
        self._place = place
        self._now = now or timezone.now()
        self._head, self._unsigned = _head(place)
        self._proved: dict[int, str] = {}  # leaf -> what is wrong with it, or nothing

    def faults(self, record: ServeRecord, commitments: Commitments) -> Iterator[Difference]:
        """Yield what is wrong between the log's rows of a record and the signed tree."""
        if self._unsigned:
            yield Difference(what="signed tree", recorded="a checkpoint that was signed", found=self._unsigned)
            return
        held = commitments.logged.get(record.id)
        if held is None or self._head is None or held[0] >= self._head.size:
            came_at = commitments.came_at.get(record.id) if record.source else None
            if overdue(record.id, self._now, came_at=came_at):
                found = "under no signed checkpoint for longer than promised"
                yield Difference(what="signed tree", recorded="a place under it", found=found)
            return
        leaf = held[0]
        if leaf not in self._proved:
            self._proved[leaf] = self._problem(leaf, self._head)
        if problem := self._proved[leaf]:
            yield Difference(what="signed tree", recorded=f"leaf {leaf} under it", found=problem)

    def _problem(self, leaf: int, head: Checkpoint) -> str:
        """Why the database's leaf is not the one under the signed head; empty where it is."""
        digests = LogEntry.objects.filter(leaf=leaf).order_by("place").values_list("digest", flat=True)
        try:
            entry = entry_of([bytes(digest) for digest in digests])
            path = self._place.tiles.inclusion_proof(leaf, head.size)
            verify_inclusion(leaf_hash(entry), leaf, head.size, path, head.root)
        except (BatchRefused, LogDamaged, LogForked, NotProved) as error:
            return str(error)
        return ""


def _head(place: LogPlace) -> tuple[Checkpoint | None, str]:
    """The newest signed head, and what is wrong with it; no head where none was signed yet."""
    try:
        last = newest(place)
    except LogForked as error:
        return None, str(error)
    return (None, "") if last is None else (last[0], "")


def column_faults(record: ServeRecord, document: dict[str, object]) -> Iterator[Difference]:
    """Yield clear columns that are not what the record's bytes say. Raises LookupError, TypeError."""
    for name, column, recorded in column_differences(record, document):
        yield Difference(what=f"column {name}", recorded=recorded, found=column)
    if not record.source:
        known = (2, RECORD_VERSION) if "inputs" in document else (1,)
        if document["version"] not in known:
            yield Difference(what="version", recorded=str(document["version"]), found=f"one of {known}")
