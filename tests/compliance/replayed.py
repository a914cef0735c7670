"""What tests of replays share: replay with nothing kept from before, and change what is on record, with or without
its commitment."""

from __future__ import annotations

from typing import Any

from compliance.audit.keys.selectors import key_of
from compliance.audit.log.commitment import commit
from compliance.audit.models import LogQueue, ServeRecord
from compliance.audit.storage.compact import seal_document
from compliance.serving.replay import Replay, Replayer


def replay(record: ServeRecord) -> Replay:
    """Replay with nothing kept from before."""
    record.refresh_from_db()
    return Replayer().replay(record)


def named(outcome: Replay) -> str:
    """All differences as text."""
    return "; ".join(str(difference) for difference in outcome.differences)


def rewritten(record: ServeRecord, document: dict[str, Any]) -> None:
    """Put another document into a record, sealed with the right key: somebody holds all of them."""
    body = seal_document(key_of(record.pseudonym), document)
    ServeRecord.objects.filter(id=record.id).update(body=body)


def committed_anew(record: ServeRecord, document: dict[str, Any]) -> None:
    """Put another document into a record and its commitment, as if it had been recorded like this at once."""
    rewritten(record, document)
    record.refresh_from_db()
    digest = commit(record.id, bytes(record.salt), bytes(record.body))
    assert LogQueue.objects.filter(id=record.id).update(digest=digest) == 1
