"""`manage.py audit` speaks to people and to machines, and its exit status tells faults from failures."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from compliance.audit.events import note
from compliance.audit.log.receipt import parse_receipt
from compliance.audit.models import AuditEvent, LogCheckpoint, LogQueue

pytestmark = pytest.mark.django_db


@pytest.fixture(name="events")
def _events(db: None, settings: Any, tmp_path: Path) -> list[UUID]:
    """A log of three events."""
    AuditEvent.objects.all().delete()
    LogQueue.objects.all().delete()
    settings.AUDIT_LOG = {**settings.AUDIT_LOG, "folder": tmp_path / "log", "key": tmp_path / "key"}
    events = [note(kind="test", happened_at=timezone.now(), what={"number": number}) for number in range(3)]
    call_command("sequencer", once=True)
    return events


def said(*arguments: str) -> Any:
    """The JSON document of a verb."""
    out = io.StringIO()
    call_command("audit", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def status(*arguments: str) -> int:
    """The exit status of a verb that fails."""
    with pytest.raises(CommandError) as caught:
        call_command("audit", *arguments, stdout=io.StringIO())
    return caught.value.returncode


def test_a_whole_log_is_one_document_without_faults(events: list[UUID]) -> None:
    document = said("verify")
    assert (document["checked"]["events"], document["checked"]["checkpoints"], document["faults"]) == (3, 1, [])
    assert document["s"] > 0


def test_faults_are_status_1_and_stand_in_the_document(events: list[UUID]) -> None:
    AuditEvent.objects.filter(id=events[1]).update(body=b"{}")
    assert status("verify") == 1
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("audit", "verify", "--json", stdout=out)
    assert any(str(events[1]) in fault for fault in json.loads(out.getvalue())["faults"])


def test_what_cannot_be_checked_is_status_2(events: list[UUID], settings: Any, tmp_path: Path) -> None:
    assert status("prove", str(UUID(int=7))) == 2
    assert status("bundle", str(UUID(int=7)), "--out", str(tmp_path / "x.zip")) == 2
    LogCheckpoint.objects.update(note="cut")
    assert status("rebuild") == 2
    settings.AUDIT_LOG = {**settings.AUDIT_LOG, "key": tmp_path / "none"}
    for verb in ("verify", "key", "rebuild"):
        assert status(verb) == 2


def test_every_verb_has_a_document(events: list[UUID], tmp_path: Path) -> None:
    assert parse_receipt(said("prove", str(events[0]))["receipt"]).index == 0
    bundle = said("bundle", str(events[0]), "--out", str(tmp_path / "x.zip"))
    assert (tmp_path / "x.zip").stat().st_size == bundle["bytes"]
    assert said("key")["vkey"] == bundle["vkey"]
    rebuilt = said("rebuild")
    assert (rebuilt["leaves"], rebuilt["moved_aside"]) == (3, [])
