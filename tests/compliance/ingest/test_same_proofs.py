"""What another ranker decided is in the log as our own is: proved, verified, found when changed, kept when erased."""

from __future__ import annotations

import contextlib
import io
import json
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from compliance.audit.ingest.services import record_batch
from compliance.audit.ingest.sources import Source
from compliance.audit.keys.services import erase
from compliance.audit.log.receipt import parse_receipt
from compliance.audit.models import ServeRecord
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


def test_an_erased_one_is_still_in_the_log_and_read_by_nobody(logged: list[UUID]) -> None:
    record = ServeRecord.objects.get(id=logged[7])
    erase(pseudonym=record.pseudonym, by="an operator", why="asked", approved_by="another operator")
    call_command("sequencer", once=True)
    assert verified() == []
