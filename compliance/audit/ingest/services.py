"""The one write of decisions taken elsewhere: records, their commitments and their numbers in one transaction.

A batch is written whole or not at all. What was written before is acknowledged again and not written again; what
contradicts it is refused. Batches of one source wait for each other; two batches never wait in a circle, because each
takes its source first and then its ids in ascending order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from compliance.audit.ingest import numbers, writing
from compliance.audit.ingest.backlog import refuse_backlog
from compliance.audit.ingest.batch import BatchRefused, Problem, read_batch
from compliance.audit.ingest.document import External
from compliance.audit.ingest.models import IngestSource
from compliance.audit.ingest.sources import Source
from compliance.audit.keys.errors import KeyErased
from compliance.audit.keys.services import keys_for
from compliance.audit.storage.sealing import SealBroken, open_sealed

LOCK_WAIT_MS: Final = 5_000
STATEMENT_MS: Final = 30_000
DURABLE: Final = ("on", "on")
"""synchronous_commit and fsync, without which an acknowledgement is a promise and not a fact."""


class NotDurable(RuntimeError):
    """The database would acknowledge what a crash can take away again, so nothing is acknowledged."""


class SourceRevoked(PermissionError):
    """The source's key was taken away between the request's beginning and its write."""


@dataclass(frozen=True, kw_only=True)
class Acknowledged:
    """What is on record once this is returned: ids written now, and ids that were there with the same content."""

    written: tuple[UUID, ...]
    already: tuple[UUID, ...]


class Entry(NamedTuple):
    """One event of a batch with its person's key and its sealed bytes; without both where the person was erased."""

    event: External
    key: bytes | None
    sealed: writing.Sealed | None


def record_batch(*, source: Source, events: object, now_ms: int) -> Acknowledged:
    """Put a batch on record. Raises BatchRefused, Overloaded, SourceRevoked, NotDurable, and the database's errors."""
    refuse_backlog()
    read = read_batch(events, service=source.service, source=source.name, now_ms=now_ms)
    held = _keys({one.pseudonym for one in read})
    keys = [held.get(one.pseudonym) for one in read]
    batch = [Entry(*entry) for entry in zip(read, keys, _sealed(read, keys), strict=True)]
    try:
        return _write(source, batch, suspicious=False)
    except IntegrityError:  # one of the ids is on record, under a number that had not come: look which
        return _write(source, batch, suspicious=True)


def _keys(pseudonyms: set[UUID]) -> dict[UUID, bytes]:
    """The keys of all who were not erased. In transactions of their own, so that nobody waits for a batch's keys."""
    try:
        return keys_for(pseudonyms)
    except KeyErased as error:
        return _keys(pseudonyms - error.pseudonyms)  # fewer each time, should more be erased meanwhile


def _sealed(read: Sequence[External], keys: Sequence[bytes | None]) -> Sequence[writing.Sealed | None]:
    """Each event sealed; None where there is no key to seal it with."""
    held = [key for key in keys if key is not None]
    if len(held) == len(read):
        return writing.seal_events(read, held)
    sealed = iter(writing.seal_events([one for one, key in zip(read, keys, strict=True) if key is not None], held))
    return [None if key is None else next(sealed) for key in keys]


def _write(source: Source, batch: Sequence[Entry], *, suspicious: bool) -> Acknowledged:
    """Write what is new, in one transaction. `suspicious`: look every id up, not only where numbers came before."""
    ids = [entry.event.id for entry in batch]
    with transaction.atomic(durable=True):
        _begin(source.name)
        wanted = numbers.Wanted(source=source.name, numbers=[entry.event.sequence for entry in batch])
        suspicious = suspicious or wanted.seen or writing.acts_among(ids)
        stored = writing.on_record(ids) if suspicious else {}
        _refuse_contradictions(source, batch, stored, wanted)
        new = [entry for entry in batch if entry.event.id not in stored] if stored else batch
        events = [entry.event for entry in new]
        writing.copy_in(source, events, [entry.sealed for entry in new if entry.sealed is not None])
        wanted.add([one.sequence for one in events])
    already = tuple(event_id for event_id in ids if event_id in stored) if stored else ()
    return Acknowledged(written=tuple(one.id for one in events), already=already)


def _begin(source: str) -> None:
    """Make the commit durable whatever the role's default, bound all waiting, and take the source."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', true), current_setting('fsync'), "
            "set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true)",
            [f"{LOCK_WAIT_MS}ms", f"{STATEMENT_MS}ms"],
        )
        if cursor.fetchone()[:2] != DURABLE:
            raise NotDurable("PostgreSQL runs with fsync off: nothing is acknowledged until it is on again.")
    row = IngestSource.objects.select_for_update(no_key=True).filter(name=source, revoked_at=None).first()
    if row is None:
        raise SourceRevoked(f"The key of source {source!r} was revoked, so nothing was written.")


def _refuse_contradictions(
    source: Source, batch: Sequence[Entry], stored: dict[UUID, writing.Stored], wanted: numbers.Wanted
) -> None:
    """Raise BatchRefused, naming each event that cannot be written or acknowledged."""
    if not stored and not wanted.seen and all(entry.key is not None for entry in batch):
        return
    problems = [
        Problem(place=place, id=str(entry.event.id), problem=problem)
        for place, entry in enumerate(batch)
        if (problem := _contradiction(entry, source.name, stored.get(entry.event.id), wanted))
    ]
    if problems:
        raise BatchRefused(
            f"{len(problems):,} of {len(batch):,} decisions contradict what is on record, so none was written. "
            "Leave out what extra.events names, find out why, and send the others again.",
            problems,
            conflict=True,
        )


def _contradiction(entry: Entry, source: str, stored: writing.Stored | None, wanted: numbers.Wanted) -> str:
    """Why an event cannot be written or acknowledged, in a sentence; empty where it can."""
    one, key = entry.event, entry.key
    if stored is None:
        if one.sequence in wanted:
            return f"Its sequence number {one.sequence} is on record already, for another decision."
        if key is None:
            return "The person behind its pseudonym was erased: nothing of theirs is recorded any more."
        return ""
    if stored.source != source or stored.pseudonym != one.pseudonym:
        return "Its id is on record already, for another decision."
    if key is None:
        return ""  # it was written before they were erased, and nobody can read what
    try:
        same = open_sealed(key, one.id, stored.body) == one.content
    except SealBroken:
        return "Its id is on record, in bytes that no longer open: tell the operator."
    return "" if same else "Its id is on record already, with other content."
