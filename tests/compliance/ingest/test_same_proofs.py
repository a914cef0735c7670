"""What another ranker decided is in the log as our own is: proved, verified, found when changed, kept when erased."""

from __future__ import annotations

import contextlib
import io
import json
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from compliance.audit.gauges import gauges
from compliance.audit.ingest.services import record_batch
from compliance.audit.ingest.sources import Source
from compliance.audit.keys.services import erase
from compliance.audit.log.receipt import parse_receipt
from compliance.audit.models import LogQueue, ServeRecord
from compliance.audit.place import log_place
from compliance.audit.sequencer import assign
from compliance.audit.verification import verify
from compliance.serving.replay.integrity import Commitments, SignedTree
from ranking.catalogue.clock import to_ms
from tests.compliance.ingest.made_decisions import decision


@pytest.fixture
def logged(source: Source, settings: Any, tmp_path: Path) -> list[UUID]:
    """A log with 30 decisions of another ranker."""
    settings.AUDIT_LOG = {**settings.AUDIT_LOG, "folder": tmp_path / "log", "key": tmp_path / "key"}
    events = [decision(number) for number in range(1, 31)]
    done = record_batch(source=source, events=events, now_ms=int(time.time() * 1000))
    call_command("sequencer", once=True)
    return list(done.written)


def verified() -> list[str]:
    """The faults that `audit verify` names."""
    out = io.StringIO()
    with contextlib.suppress(CommandError):
        call_command("audit", "verify", "--json", stdout=out)
    faults: list[str] = json.loads(out.getvalue())["faults"]
    return faults


def test_each_has_a_receipt_and_nothing_is_wrong_with_any(logged: list[UUID]) -> None:
    out = io.StringIO()
    call_command("audit", "prove", str(logged[7]), stdout=out)
    parse_receipt(out.getvalue())
    assert verified() == []


@pytest.mark.parametrize(
    "change", [{"tier": "child"}, {"source": "another"}, {"source": ""}, {"body": b"\x02" * 400}, {"salt": bytes(32)}]
)
def test_whatever_is_changed_is_named(logged: list[UUID], change: dict[str, Any]) -> None:
    ServeRecord.objects.filter(id=logged[7]).update(**change)
    assert any(str(logged[7]) in fault for fault in verified())


def test_one_that_comes_weeks_late_is_overdue_by_when_it_came(source: Source, logged: list[UUID]) -> None:
    now = timezone.now()
    at_ms = to_ms(now - timedelta(days=20))
    (late,) = record_batch(source=source, events=[decision(31, at_ms=at_ms)], now_ms=to_ms(now)).written
    record = ServeRecord.objects.get(id=late)

    def faults(at: datetime) -> list[str]:
        tree = SignedTree(log_place(), now=at).faults(record, Commitments.of([record]))
        return [*verify(log_place(), now=at), *map(str, tree)]

    for step in (lambda: None, assign):  # it waits for its leaf; then its leaf for a signature
        step()
        assert faults(timezone.now()) == []
        assert any(str(late) in fault for fault in faults(timezone.now() + timedelta(seconds=61)))
        assert any(str(late) in fault for fault in faults(timezone.now() + timedelta(days=9)))


def test_how_long_the_oldest_has_waited_counts_from_when_it_came(source: Source) -> None:
    now = timezone.now()
    LogQueue.objects.all().delete()
    record_batch(source=source, events=[decision(1, at_ms=to_ms(now - timedelta(days=20)))], now_ms=to_ms(now))
    waited = gauges(timezone.now()).oldest_waiting_s
    assert waited is not None
    assert 0 <= waited < 60


def test_an_erased_one_is_still_in_the_log_and_read_by_nobody(logged: list[UUID]) -> None:
    record = ServeRecord.objects.get(id=logged[7])
    erase(pseudonym=record.pseudonym, by="an operator", why="asked", approved_by="another operator")
    call_command("sequencer", once=True)
    assert verified() == []
