"""The sequencer asks witnesses over HTTP, never waits for them, and a rewritten log gets no cosignature."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.utils import timezone

from compliance.audit.events import note
from compliance.audit.evidence import receipt_of
from compliance.audit.heads import LogPlace, published
from compliance.audit.log.note import SigningKey, VerifierKey, open_note
from compliance.audit.log.receipt import parse_receipt
from compliance.audit.log.witness_client import parse_witnesses
from compliance.audit.models import AuditEvent, LogCheckpoint, LogEntry, LogQueue
from compliance.audit.models.witnesses import LogCosignature, LogMeter
from compliance.audit.sequencer import assign, publish
from compliance.audit.verification import verify
from compliance.audit.witnessing.cosigner import Cosigner
from compliance.audit.witnessing.policy import witness_policy

ROOT = Path(__file__).resolve().parents[2]
KEY = SigningKey(name="log.example/test", private=Ed25519PrivateKey.generate())
AWAY = "witness.example/w2+{id}+{key} http://127.0.0.1:1"


@pytest.fixture(scope="module", name="address")
def _address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A witness in a process of its own."""
    folder = tmp_path_factory.mktemp("witness")
    command = [sys.executable, "-m", "compliance.audit.log.witness_service", "--name", "witness.example/w1"]
    command += ["--key", str(folder / "key"), "--state", str(folder / "state"), "--log", KEY.verifier().encode()]
    process = subprocess.Popen(  # noqa: S603
        [*command, "--listen", "127.0.0.1:0"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.kill()
    process.communicate()


@pytest.fixture(name="place")
def _place(address: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, db: None, settings: Any) -> LogPlace:
    """An empty log, and a witness that never saw it."""
    for path in tmp_path_factory.getbasetemp().glob("witness*/state/*"):
        path.unlink()
    AuditEvent.objects.all().delete()
    LogQueue.objects.all().delete()
    settings.AUDIT_WITNESSES = address
    return LogPlace(folder=tmp_path / "log", verifier=KEY.verifier())


def grow(place: LogPlace, events: int = 1) -> None:
    """So many events more, under a signed checkpoint."""
    for number in range(events):
        note(kind="test", happened_at=timezone.now(), what={"number": number})
    assign()
    assert publish(place, KEY) is not None


def witness() -> VerifierKey:
    """The witness's key."""
    return witness_policy().witnesses[0].key


def faults(place: LogPlace, seconds: int = 30) -> list[str]:
    """What verification says some time from now."""
    return list(verify(place, now=timezone.now() + timedelta(seconds=seconds)))


def test_a_checkpoint_is_published_with_its_cosignature_and_receipts_carry_it(place: LogPlace) -> None:
    cosigner = Cosigner(witness_policy())
    for size in (3, 303, 304):
        grow(place, size - (LogEntry.objects.count()))
        cosigner.round(place, wait_s=5)
        text = published(place.folder) or ""
        assert [each.key for each in open_note(text, [KEY.verifier(), witness()]).signatures] == [
            KEY.verifier(),
            witness(),
        ]
        assert publish(place, KEY) is None
        assert published(place.folder) == text  # the next round leaves it as it is
    first = LogEntry.objects.get(leaf=0)
    assert len(open_note(parse_receipt(receipt_of(place, first.event_id)).checkpoint, [witness()]).signatures) == 1
    assert faults(place, 70) == []


def test_a_receipt_prefers_a_checkpoint_that_was_cosigned(place: LogPlace) -> None:
    grow(place)
    Cosigner(witness_policy()).round(place, wait_s=5)
    grow(place)
    old, new = (parse_receipt(receipt_of(place, entry.event_id)) for entry in LogEntry.objects.order_by("leaf"))
    assert old.checkpoint.split("\n")[1] == "1"
    assert new.checkpoint.split("\n")[1] == "2"


def test_a_rewritten_history_signed_with_the_stolen_key_is_refused_over_http(place: LogPlace, tmp_path: Path) -> None:
    grow(place, 5)
    Cosigner(witness_policy()).round(place, wait_s=5)
    rewrite = "UPDATE audit_logentry SET digest = sha256(digest) WHERE leaf = 2"
    for statement in (rewrite, "DELETE FROM audit_logcheckpoint", "DELETE FROM audit_logcosignature"):
        with connection.cursor() as cursor:
            cursor.execute(statement)
    forged = LogPlace(folder=tmp_path / "forged", verifier=KEY.verifier())
    assert publish(forged, KEY) is not None
    Cosigner(witness_policy()).round(forged, wait_s=5)
    assert LogCosignature.objects.count() == 0
    assert "witness.example" not in (published(forged.folder) or "")
    assert LogMeter.objects.get(name="witness.refusals:witness.example/w1").value == 1
    event = AuditEvent.objects.get(kind="witness-refused")
    assert b"two histories were signed" in bytes(event.body)
    grow(forged, 2)  # growing does not help
    Cosigner(witness_policy()).round(forged, wait_s=5)
    assert LogCosignature.objects.count() == 0
    assert any("is cosigned by 0 of the 1 witnesses" in fault for fault in faults(forged, 70))


def test_a_witness_that_is_away_holds_nothing_up_and_is_counted(place: LogPlace, settings: Any, address: str) -> None:
    other = SigningKey(name="witness.example/w2", private=Ed25519PrivateKey.generate()).verifier(4).encode()
    settings.AUDIT_WITNESSES = f"{address}, {other} http://127.0.0.1:1"
    grow(place)
    cosigner, started = Cosigner(witness_policy()), time.monotonic()
    cosigner.round(place, wait_s=5)
    cosigner.round(place)  # it is left alone for a while now
    assert time.monotonic() - started < 4
    assert LogMeter.objects.get(name="witness.failures:witness.example/w2").value == 1
    assert any("cosigned by 1 of the 2 witnesses" in fault for fault in faults(place, 70))
    assert faults(place, 30) == []
    settings.AUDIT_WITNESSES_NEEDED = "1"
    assert faults(place, 70) == []


def test_a_cosignature_of_a_later_round_is_published(place: LogPlace) -> None:
    grow(place)
    cosigner = Cosigner(witness_policy())
    cosigner.round(place, wait_s=0)
    time.sleep(1)
    cosigner.round(place)
    assert "witness.example" in (published(place.folder) or "")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE audit_logcosignature SET line = replace(line, 'w1', 'w9')", "its line is another's"),
        ("UPDATE audit_logcosignature SET size = 99", "there is no such checkpoint"),
        ("UPDATE audit_logcosignature SET witness = 'witness.example/w9'", "its line is another's"),
        ("DELETE FROM audit_logcosignature", "its signature lines were changed"),
    ],
)
def test_changed_cosignatures_in_the_database_are_named(place: LogPlace, statement: str, words: str) -> None:
    grow(place)
    Cosigner(witness_policy()).round(place, wait_s=5)
    with connection.cursor() as cursor:
        cursor.execute(statement)
    assert any(words in fault for fault in faults(place))


def test_every_changed_byte_of_a_cosigned_checkpoint_is_named(place: LogPlace) -> None:
    grow(place)
    Cosigner(witness_policy()).round(place, wait_s=5)
    path = place.folder / "checkpoint"
    whole = path.read_bytes()
    harmed = [bytes([*whole[:at], whole[at] ^ 1, *whole[at + 1 :]]) for at in range(0, len(whole), 11)]
    for content in (*harmed, whole[:-1], whole + whole.splitlines(keepends=True)[-1], whole[: whole.rindex(b"\xe2")]):
        path.write_bytes(content)
        assert any(str(path) in fault for fault in faults(place)), content
    path.write_bytes(whole)
    assert faults(place) == []


def test_a_policy_that_asks_for_more_witnesses_than_there_are_is_refused(settings: Any, address: str) -> None:
    settings.AUDIT_WITNESSES = address
    for text in ("2", "-1", "x"):
        settings.AUDIT_WITNESSES_NEEDED = text
        with pytest.raises(ImproperlyConfigured, match="from 0 to 1"):
            witness_policy()
    settings.AUDIT_WITNESSES = "nonsense"
    with pytest.raises(ImproperlyConfigured, match="CLERESTORY_AUDIT_WITNESSES cannot be used"):
        witness_policy()


def test_no_witness_is_no_shortfall(place: LogPlace, settings: Any) -> None:
    settings.AUDIT_WITNESSES = ""
    grow(place)
    Cosigner(witness_policy()).round(place)
    assert LogCheckpoint.objects.count() == 1
    assert faults(place, 70) == []
    assert parse_witnesses("") == ()
