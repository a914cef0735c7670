"""/metrics says how the audit log fares: what waits, what was signed, which cosignatures lack, what was found wrong."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import call_command
from django.db import connection
from django.db.utils import OperationalError
from django.test import Client
from django.utils import timezone

from compliance.audit.events import note
from compliance.audit.gauges import gauges
from compliance.audit.log.note import SigningKey
from compliance.audit.models import AuditEvent, LogQueue
from compliance.audit.witnessing import meters

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _log(db: None, settings: Any, tmp_path: Path) -> None:
    AuditEvent.objects.all().delete()
    LogQueue.objects.all().delete()
    settings.AUDIT_LOG = {**settings.AUDIT_LOG, "folder": tmp_path / "log", "key": tmp_path / "key"}


def scraped(client: Client) -> dict[str, float]:
    """The log's metrics, by name and labels."""
    lines = client.get("/metrics").content.decode().splitlines()
    found = (line.rpartition(" ") for line in lines if line.startswith("clerestory_audit_"))
    return {name.removeprefix("clerestory_audit_"): float(value) for name, _, value in found}


def test_what_waits_and_what_was_signed_are_told(client: Client) -> None:
    for number in range(3):
        note(kind="test", happened_at=timezone.now(), what={"number": number})
    seen = scraped(client)
    assert (seen["up"], seen["waiting"], seen["signed_leaves"]) == (1, 3, 0)
    assert 0 <= seen["oldest_waiting_s"] < 30
    assert "checkpoint_age_s" not in seen
    call_command("sequencer", once=True)
    seen = scraped(client)
    assert (seen["waiting"], seen["leaves"], seen["signed_leaves"]) == (0, 3, 3)
    assert (seen["sequencer_rounds_total"], seen["sequencer_events_total"]) == (1, 3)
    assert "oldest_waiting_s" not in seen
    assert gauges(timezone.now() + timedelta(minutes=2)).checkpoint_age_s == pytest.approx(120, abs=10)


def test_a_witness_that_is_away_shows(client: Client, settings: Any) -> None:
    key = SigningKey(name="witness.example/w", private=Ed25519PrivateKey.generate()).verifier(4).encode()
    settings.AUDIT_WITNESSES = f"{key} http://127.0.0.1:1"
    note(kind="test", happened_at=timezone.now(), what={})
    call_command("sequencer", once=True)
    seen = scraped(client)
    assert (seen["witnesses_needed"], seen["witnesses_missing"], seen["cosigned_leaves"]) == (1, 1, 0)
    assert seen['witness_failures_total{witness="witness.example/w"}'] == 1


def test_the_last_verification_shows(client: Client) -> None:
    assert "verify_faults" not in scraped(client)
    meters.put({"verify.faults": 7, "verify.lost": 1})
    seen = scraped(client)
    assert (seen["verify_faults"], seen["verify_lost"]) == (7, 1)
    assert 0 <= seen["verify_age_s"] < 30


def test_the_last_shadow_replay_shows(client: Client) -> None:
    assert "shadow_broken" not in scraped(client)
    meters.put({"shadow.replayed": 20, "shadow.broken": 1})
    seen = scraped(client)
    assert (seen["shadow_replayed"], seen["shadow_broken"]) == (20, 1)
    assert 0 <= seen["shadow_age_s"] < 30


def test_without_a_database_the_log_is_not_up(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> Any:
        raise OperationalError("connection refused")

    monkeypatch.setattr(connection, "cursor", gone)
    assert scraped(client) == {"up": 0}
