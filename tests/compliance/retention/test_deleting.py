"""Files go by an act of two people on record, never by what one row of a table names."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.utils import timezone

from compliance.audit.cold.expiry import NotBorneOut, clear, expire
from compliance.audit.cold.store import ColdStore, is_name, name_of
from compliance.audit.events import note
from compliance.audit.heads import LogPlace
from compliance.audit.models import ColdMonth, LogEntry, LogQueue
from compliance.audit.retention.services import retain
from compliance.audit.sequencer import assign
from tests.compliance.cold.aged import id_at
from tests.compliance.cold.conftest import cold, month, place
from tests.compliance.cold.test_move import move_all

__all__ = ["cold", "month", "place"]

TWO: dict[str, Any] = {"by": "ada", "approved_by": "bob", "why": "case 7"}


def files_of(store: ColdStore) -> set[str]:
    """Every Parquet file of the tables."""
    return {str(path.relative_to(store.home)) for path in store.home.rglob("*-????.parquet")}


@pytest.fixture(name="moved")
def _moved(month: LogPlace, cold: ColdStore) -> ColdMonth:
    move_all(month, cold)
    return ColdMonth.objects.get(table="records")


def test_a_row_marked_as_expired_deletes_nothing(moved: ColdMonth, month: LogPlace, cold: ColdStore) -> None:
    before, now = files_of(cold), timezone.now()
    another = note(kind="consent", happened_at=now, what={})
    for event in (id_at(now), another):
        ColdMonth.objects.filter(pk=moved.pk).update(expired_at=now, expiry_event=event)
        with pytest.raises(NotBorneOut, match="Nothing of records of 2026-07, serve_record was deleted"):
            clear(cold)
        with pytest.raises(NotBorneOut):
            list(retain(today=date(2026, 9, 1), place=month, store=cold, **TWO))
    assert files_of(cold) == before


def test_a_row_that_names_other_files_deletes_nothing(moved: ColdMonth, cold: ColdStore) -> None:
    before = files_of(cold)
    acts = ColdMonth.objects.filter(table="acts")[0]
    for files in (acts.files, [{**moved.files[0], "name": "../" + moved.files[0]["name"]}]):
        ColdMonth.objects.filter(pk=moved.pk).update(files=files)
        with pytest.raises(NotBorneOut, match="its row was changed"):
            expire(moved.pk, store=cold, **TWO)
    assert ColdMonth.objects.get(pk=moved.pk).expired_at is None
    assert files_of(cold) == before


def test_an_act_that_the_log_does_not_commit_to_deletes_nothing(
    moved: ColdMonth, cold: ColdStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files_of(cold)
    with monkeypatch.context() as patch:
        patch.setattr("compliance.audit.cold.expiry.clear", lambda store: 0)  # killed behind the commit
        expire(moved.pk, store=cold, **TWO)
    event = ColdMonth.objects.get(pk=moved.pk).expiry_event
    assert event is not None
    waiting = LogQueue.objects.get(id=event)
    digest = bytes(waiting.digest)
    waiting.digest = bytes(32)
    waiting.save()
    with pytest.raises(NotBorneOut, match="neither in the log nor on its way"):
        clear(cold)
    assert files_of(cold) == before
    waiting.digest = digest
    waiting.save()
    assign()
    assert LogEntry.objects.filter(event_id=event).exists()
    assert clear(cold) == len(moved.files)
    assert files_of(cold) == before - {each["name"] for each in moved.files}


def test_only_a_months_own_names_are_its_files() -> None:
    of = ("records", date(2026, 7, 1), "serve_record")
    assert is_name(name_of(*of, 3), *of)
    for name in (
        "../records/2026-07/serve_record-0000.parquet",
        "records/2026-07/../2026-08/serve_record-0000.parquet",
        "/records/2026-07/serve_record-0000.parquet",
        "records/2026-08/serve_record-0000.parquet",
        "acts/2026-07/serve_record-0000.parquet",
        "records/2026-07/other-0000.parquet",
        "records/2026-07/serve_record-0000.parquet\n",
    ):
        assert not is_name(name, *of)
