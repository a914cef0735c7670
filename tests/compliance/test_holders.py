"""Who may audit or ingest is what acts say: rows that were planted, changed, removed or let in again are named."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection
from django.utils import timezone

from compliance.audit.access import auditors
from compliance.audit.heads import LogPlace
from compliance.audit.ingest import sources
from compliance.audit.log.note import SigningKey
from compliance.audit.models import AuditEvent
from compliance.audit.sequencer import assign, publish
from compliance.audit.verification import verify

pytestmark = pytest.mark.django_db
KEY = SigningKey(name="log.example/holders", private=Ed25519PrivateKey.generate())
TWO: dict[str, Any] = {"by": "ada", "approved_by": "bob", "why": "an audit"}
ONE: dict[str, Any] = {"by": "ada", "why": "a ranker of its own"}


@pytest.fixture(name="place")
def _place(tmp_path: Path) -> LogPlace:
    """A log in which two auditors and two sources got keys; one each was taken away, and one renewed."""
    place = LogPlace(folder=tmp_path / "log", verifier=KEY.verifier())
    for name in ("kept", "gone"):
        auditors.add(name=name, scopes=["records"], days=9, **TWO)
        sources.add(name=name, service="test", **ONE)
    auditors.revoke(name="gone", by="ada", why="over")
    sources.revoke(name="gone", **ONE)
    sources.revoke(name="kept", **ONE)
    sources.renew(name="kept", **ONE)
    assign()
    publish(place, KEY)
    assert faults(place) == []
    return place


def faults(place: LogPlace) -> list[str]:
    """What verification says."""
    return list(verify(place, now=timezone.now() + timedelta(seconds=30)))


HARMS = (
    ("UPDATE audit_auditorkey SET key_sha256 = %s WHERE name = 'kept'", "auditor 'kept' is not what was given out"),
    ("UPDATE audit_auditorkey SET scopes = '{records,sealed}' WHERE name = 'kept'", "'kept' is not what was given"),
    ("UPDATE audit_auditorkey SET expires_at = 'infinity' WHERE name = 'kept'", "cannot be read"),
    ("UPDATE audit_auditorkey SET expires_at = '2999-01-01' WHERE name = 'kept'", "'kept' is not what was given out"),
    ("UPDATE audit_auditorkey SET revoked_at = NULL", "auditor 'gone' was taken away by an act"),
    ("UPDATE audit_auditorkey SET revoked_at = now()", "auditor 'kept' is marked as taken away"),
    ("UPDATE audit_auditorkey SET name = 'mallory' WHERE name = 'kept'", "auditor 'mallory' was given out by no act"),
    ("DELETE FROM audit_auditorkey WHERE name = 'gone'", "auditor 'gone' is on record by act"),
    ("UPDATE audit_ingestsource SET key_sha256 = %s WHERE name = 'kept'", "source 'kept' has another key"),
    ("UPDATE audit_ingestsource SET service = 'x' WHERE name = 'kept'", "source 'kept' is of another service"),
    ("UPDATE audit_ingestsource SET revoked_at = NULL", "source 'gone': its last act was 'revoked'"),
    ("UPDATE audit_ingestsource SET revoked_at = now()", "source 'kept': its last act was 'renewed'"),
    ("UPDATE audit_ingestsource SET name = 'mallory' WHERE name = 'kept'", "source 'mallory' was added by no act"),
    ("DELETE FROM audit_ingestsource WHERE name = 'gone'", "source 'gone' is on record by act"),
)


@pytest.mark.parametrize(("statement", "named"), HARMS)
def test_whatever_is_done_to_their_rows_is_named(place: LogPlace, statement: str, named: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, [sha256(b"mallory").digest()] if "%s" in statement else None)
    assert any(named in fault for fault in faults(place)), faults(place)


def test_acts_say_the_hash_of_a_key_and_never_the_key(place: LogPlace) -> None:
    key = sources.add(name="third", service="test", **ONE)
    said = bytes(AuditEvent.objects.filter(kind="ingest_source").latest("id").body).decode()
    assert sha256(key.encode()).hexdigest() in said
    assert key.partition(".")[2] not in said
