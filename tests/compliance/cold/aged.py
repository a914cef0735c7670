"""Real slates and acts, recorded again as of an earlier month: there is no waiting for one."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from compliance.audit.canonical import canonical
from compliance.audit.heads import LogPlace
from compliance.audit.keys.services import key_for
from compliance.audit.log.commitment import SALT_BYTES, commit
from compliance.audit.log.note import SigningKey
from compliance.audit.models import AuditEvent, LogQueue, SealedBlob, ServeRecord
from compliance.audit.selectors import document_of
from compliance.audit.sequencer import assign, publish
from compliance.audit.services import NewRecord, record
from compliance.audit.storage.partitions import make_ahead
from compliance.audit.storage.sealing import seal
from ranking.catalogue.clock import from_ms, to_ms
from tests.compliance.test_door import serve_on
from tests.conftest import World

SUMMER = date(2026, 7, 1)


def id_at(moment: datetime) -> UUID:
    """A UUIDv7 of that moment."""
    return UUID(int=to_ms(moment) << 80 | 7 << 76 | 2 << 62 | (uuid4().int & ((1 << 62) - 1)))


def aged_month(world: World, place: LogPlace, key: SigningKey, *, period: date = SUMMER, slates: int = 6) -> None:
    """Slates of two people and acts of several kinds, recorded in that month, in the log and signed."""
    start = datetime(period.year, period.month, 1, tzinfo=UTC)
    make_ahead(now=start + timedelta(days=40), months=1)
    people = [world.subject(name) for name in ("alex", "sam")]
    for number in range(slates):
        served = serve_on(people[number % 2])
        _served_at(ServeRecord.objects.get(id=served.serve_id), start + timedelta(hours=number + 1))
    ServeRecord.objects.filter(id__gt=id_at(start + timedelta(days=40))).delete()  # those of today
    SealedBlob.objects.exclude(period=period).delete()
    LogQueue.objects.filter(id__gt=id_at(start + timedelta(days=40)), kind="serve").delete()
    for number, kind in enumerate(("promotion", "consent", "statement", "retention_test")):
        whose = people[0].pseudonym if kind == "consent" else None
        acted_at(kind, start + timedelta(days=1, minutes=number), {"number": number}, pseudonym=whose)
    assign()
    publish(place, key)


def acted_at(kind: str, moment: datetime, what: dict[str, Any], *, pseudonym: UUID | None = None) -> UUID:
    """An act on record as of that moment, waiting for the log."""
    event_id, salt = id_at(moment), secrets.token_bytes(SALT_BYTES)
    body = canonical({**what, "id": str(event_id), "kind": kind, "happened_ms": to_ms(moment)})
    if pseudonym is not None:
        body = seal(key_for(pseudonym), event_id, body)
    AuditEvent.objects.create(
        id=event_id, kind=kind, happened_at=from_ms(to_ms(moment)), pseudonym=pseudonym, body=body, salt=salt
    )
    LogQueue.objects.create(id=event_id, kind=kind, digest=commit(event_id, salt, body))
    return event_id


def _served_at(row: ServeRecord, moment: datetime) -> None:
    document = document_of(row)
    document["id"] = str(id_at(moment))
    document["situation"]["now_ms"] = to_ms(moment) + 1
    blobs = {bytes(blob.address): bytes(blob.content) for blob in SealedBlob.objects.filter(pseudonym=row.pseudonym)}
    assert all(hashlib.sha256(content).digest() == address for address, content in blobs.items())
    record(
        NewRecord(
            id=UUID(document["id"]),
            service=row.service,
            pseudonym=row.pseudonym,
            served_at=moment,
            surface=row.surface,
            feed_mode=row.feed_mode,
            tier=row.tier,
            jurisdiction=row.jurisdiction,
            model_sha256=row.model,
            document=document,
            key=key_for(row.pseudonym),
            blobs=blobs,
            pack=b"",
            idempotency_key="",
        )
    )
