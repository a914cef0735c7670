"""What is due moves or goes, what is held stays with a sentence, and the command tells people and machines."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from compliance.audit.cold import iceberg
from compliance.audit.cold.place import cold_store
from compliance.audit.cold.store import ColdStore
from compliance.audit.heads import LogPlace
from compliance.audit.ingest.reconciling import counted
from compliance.audit.keys.errors import OrderRefused
from compliance.audit.keys.orders import SCHEDULE, SUBJECT
from compliance.audit.keys.selectors import key_of
from compliance.audit.keys.services import erase, key_for
from compliance.audit.models import AuditEvent, ColdMonth, LegalHold, LogEntry, ServeKey
from compliance.audit.place import log_place
from compliance.audit.retention.holds import NoSuchHold, hold_on_person, lift_hold, place_hold
from compliance.audit.retention.needed import (
    StillNeeded,
    needed_dictionaries,
    needed_models,
    refuse_needed_model,
)
from compliance.audit.retention.plan import Step, plan
from compliance.audit.retention.services import Busy, HoldsChanged, alone, retain
from compliance.audit.selectors import record_anywhere, record_for_key
from compliance.audit.sequencer import assign, publish
from compliance.audit.tasks import retain_by_schedule
from tests.compliance.cold.aged import SUMMER, aged_month
from tests.compliance.cold.conftest import KEY
from tests.compliance.cold.test_move import faults
from tests.conftest import World

TWO: dict[str, Any] = {"by": "ada", "approved_by": "bob", "why": "case 7"}
FAR: date = date(2040, 1, 1)


@pytest.fixture(name="month")
def _month(world: World, tmp_path: Path, settings: Any) -> LogPlace:
    settings.AUDIT_COLD = {"store": str(tmp_path / "cold"), "beside": tmp_path / "beside"}
    settings.AUDIT_LOG = {**settings.AUDIT_LOG, "folder": tmp_path / "log", "vkey": KEY.verifier().encode()}
    aged_month(world, log_place(), KEY)
    return log_place()


def steps(today: date | None = None) -> dict[tuple[str, str], Step]:
    """The month's steps by act and table; of cold acts, those of statements."""
    found = [step for step in plan(today or timezone.now().date()) if step.period == SUMMER]
    return {(step.act, step.table): step for step in found}


def done(today: date | None = None, **who: str) -> list[str]:
    """Do what is due; what went wrong."""
    today, store = today or timezone.now().date(), cold_store()
    steps = list(retain(today=today, place=log_place(), store=store, **(who or TWO)))
    assign()
    publish(log_place(), KEY)
    return [wrong for step, wrong in steps if wrong and step.period == SUMMER]  # other months are really not over


def said(*arguments: str) -> Any:
    """The JSON document of a verb, whatever its exit status."""
    out = io.StringIO()
    try:
        call_command("audit", *arguments, "--json", stdout=out)
    except CommandError as error:
        return {**json.loads(out.getvalue()), "status": error.returncode}
    return {**json.loads(out.getvalue()), "status": 0}


def test_what_is_over_moves_and_what_is_not_stays_with_its_day(month: LogPlace) -> None:
    found = steps()
    assert (found["move", "records"].state, found["move", "blobs"].state) == ("due", "due")
    assert found["move", "acts"].state == "kept"
    assert "stays in the database until 2027-02-01: 184 days" in found["move", "acts"].because
    assert done() == []
    assert {step.act for step in steps().values() if step.table == "records"} == {"delete"}
    assert faults(month) == []


def test_the_end_of_retention_deletes_files_and_the_log_still_verifies(month: LogPlace) -> None:
    assert done() == []
    early = steps(date(2027, 9, 4))["delete", "records"]
    assert early.state == "kept"
    assert "kept until 2027-09-05: 400 days (AI Act Art. 19(1)" in early.because
    row = record_anywhere(LogEntry.objects.filter(kind="serve")[0].event_id)
    assert row is not None
    ServeKey.objects.create(pseudonym=row.pseudonym, key="once", record_id=row.id)
    hour = row.served_at.replace(minute=0, second=0, microsecond=0)
    assert counted("", hour) == 1
    files = {each["name"] for each in ColdMonth.objects.get(table="records").files}
    assert done(date(2027, 9, 5)) == []
    assert not [name for name in files if (Path(cold_store().uri) / name).exists()]
    assert iceberg.files(cold_store(), "records") == []
    assert record_for_key(pseudonym=row.pseudonym, key="once") is None
    assert not ServeKey.objects.exists()
    assert counted("", hour) == 0
    act = json.loads(bytes(AuditEvent.objects.filter(kind="retention_expiry").order_by("-id")[0].body))
    assert (act["by"], act["approved_by"], act["period"]) == ("ada", "bob", "2026-07-01")
    assert faults(month) == []


def test_a_leaf_that_was_deleted_behind_a_deletion_is_found(month: LogPlace) -> None:
    assert done() == []
    assert done(date(2027, 9, 5)) == []
    expired = ColdMonth.objects.get(table="records")
    for change in ({"rows": expired.rows - 1}, {"first_id": expired.last_id}, {"kinds": ["serve", "promotion"]}):
        ColdMonth.objects.filter(pk=expired.pk).update(**change)
        assert any("was changed" in fault for fault in faults(month)), change
        ColdMonth.objects.filter(pk=expired.pk).update(
            rows=expired.rows, first_id=expired.first_id, kinds=expired.kinds
        )
    assert faults(month) == []
    ColdMonth.objects.filter(pk=expired.pk).delete()
    gone = [fault for fault in faults(month) if "is gone from the database" in fault]
    assert len(gone) == LogEntry.objects.filter(kind="serve").count()


def test_a_missing_and_an_altered_file_are_named(month: LogPlace) -> None:
    assert done() == []
    path = Path(cold_store().uri) / ColdMonth.objects.get(table="records").files[0]["name"]
    content = path.read_bytes()
    path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    assert any(str(path) in fault and "altered" in fault for fault in faults(month))
    path.unlink()
    assert any(str(path) in fault and "missing" in fault for fault in faults(month))
    path.write_bytes(content)
    assert faults(month) == []


def test_a_row_that_says_what_no_act_says_is_named(month: LogPlace) -> None:
    assert done() == []
    blobs = ColdMonth.objects.get(table="blobs")
    ColdMonth.objects.filter(pk=blobs.pk).update(drop_event=LogEntry.objects.filter(kind="consent")[0].event_id)
    assert any("records" not in fault and "which cannot be read" in fault for fault in faults(month))


@pytest.mark.parametrize(
    ("scope", "held"),
    [
        ({}, True),
        ({"since": date(2026, 7, 31)}, True),
        ({"until": date(2026, 7, 2)}, True),
        ({"since": date(2026, 8, 1)}, False),
        ({"until": date(2026, 7, 1)}, False),
        ({"service": "test"}, True),
        ({"service": "another"}, False),
        ({"pseudonym": "alex"}, True),
        ({"pseudonym": "kim"}, False),
    ],
)
def test_a_hold_keeps_what_it_covers_and_nothing_else(
    world: World, month: LogPlace, scope: dict[str, Any], held: bool
) -> None:
    if "pseudonym" in scope:
        scope = {"pseudonym": world.subject(scope["pseudonym"]).pseudonym}
    hold = place_hold(**TWO, **scope)
    step = steps()["move", "records"]
    assert (step.state == "held") is held
    assert (f"a legal hold placed by ada and approved by bob on {hold.placed_at:%Y-%m-%d}" in step.because) is held
    if held:
        assert steps()["move", "blobs"].state == "held"
    assert done() == []
    assert (("move", "records") in steps()) is held


def test_a_hold_keeps_a_cold_month_until_two_people_lift_it(world: World, month: LogPlace) -> None:
    assert done() == []
    hold = place_hold(**TWO, pseudonym=world.subject("sam").pseudonym)
    assert steps(FAR)["delete", "records"].state == "held"
    assert done(FAR) == []
    assert ColdMonth.objects.get(table="records").expired_at is None
    with pytest.raises(OrderRefused):
        lift_hold(hold_id=hold.id, by="ada", approved_by="ada", why="over")
    lift_hold(hold_id=hold.id, by="eve", approved_by="bob", why="case 7 is over")
    with pytest.raises(NoSuchHold, match="is in force"):
        lift_hold(hold_id=hold.id, by="eve", approved_by="bob", why="again")
    assert done(FAR) == []
    assert ColdMonth.objects.get(table="records").expired_at is not None
    kinds = AuditEvent.objects.filter(kind__in=["hold_placed", "hold_lifted"]).values_list("kind", flat=True)
    assert sorted(kinds) == ["hold_lifted", "hold_placed"]
    assert faults(month) == []


def test_a_hold_that_is_taken_away_behind_the_log_is_named_and_nothing_goes(month: LogPlace) -> None:
    hold = place_hold(**TWO, until=date(2026, 1, 1))
    assert faults(month) == []
    LegalHold.objects.filter(pk=hold.pk).update(lifted_at=timezone.now(), lift_event=hold.pk)
    assert any(f"{hold.pk} is marked as lifted" in fault for fault in faults(month))
    LegalHold.objects.all().delete()
    assert any(f"legal hold {hold.pk} was placed, but its row is gone" in fault for fault in faults(month))
    with pytest.raises(HoldsChanged, match="Nothing was moved or deleted: legal hold"):
        done()
    assert not ColdMonth.objects.exists()


def test_one_person_and_the_schedule_place_no_hold(world: World) -> None:
    whos: tuple[dict[str, Any], ...] = (
        {"by": "ada", "approved_by": ""},
        {"by": "ada", "approved_by": "ada"},
        {"by": SCHEDULE, "approved_by": ""},
    )
    for who in whos:
        with pytest.raises(OrderRefused):
            place_hold(**who, why="case 8")
    with pytest.raises(OrderRefused, match="covers nothing"):
        place_hold(**TWO, since=date(2026, 2, 1), until=date(2026, 2, 1))
    assert not LegalHold.objects.exists()
    assert hold_on_person(world.subject("sam").pseudonym) is None
    hold = place_hold(**TWO, service="test")
    assert hold_on_person(world.subject("sam").pseudonym) == hold


def test_the_schedule_moves_what_its_class_lets_it_and_deletes_nothing(month: LogPlace) -> None:
    assert "move records 2026-07: done" in retain_by_schedule()
    assign()
    publish(log_place(), KEY)
    assert done(FAR, by=SCHEDULE, why="classes.toml") == []
    assert ColdMonth.objects.filter(expired_at=None).exists()
    assert steps(FAR)["delete", "records"].state == "due"
    assert faults(month) == []


def test_the_command_plans_and_does_and_tells_with_its_exit_status(month: LogPlace) -> None:
    planned = said("retain", "--dry-run")
    assert planned["status"] == 3
    assert ["due", "move", "records"] in [[step["state"], step["act"], step["table"]] for step in planned["steps"]]
    with pytest.raises(CommandError, match="no second person approved it") as refused:
        call_command("audit", "retain", by="ada", stdout=io.StringIO())
    assert refused.value.returncode == 2
    moved = said("retain", "--by", "ada", "--approved-by", "bob")
    tables = [step["table"] for step in moved["done"] if step["period"] == SUMMER.isoformat()]
    assert (moved["status"], tables) == (0, ["records", "blobs"])
    assert said("retain", "--dry-run")["status"] == 0
    placed = said("hold", "place", "--by", "ada", "--approved-by", "bob", "--why", "case 9", "--since", "2026-01-01")
    (hold,) = placed["holds"]
    assert hold["since"] == "2026-01-01"
    lifted = said("hold", "lift", "--id", hold["id"], "--by", "ada", "--approved-by", "bob", "--why", "over")
    assert lifted["holds"] == []


def test_models_and_dictionaries_stay_while_a_record_needs_them_hot_or_cold(world: World, month: LogPlace) -> None:
    hot = needed_models()
    assert set(hot.values()) == {"records in the database"}
    assert hot
    assert done() == []
    cold = needed_models()
    assert cold == dict.fromkeys(hot, "records of 2026-07, serve_record")
    assert needed_dictionaries()
    (sha256, *_) = cold
    with pytest.raises(StillNeeded, match="records of 2026-07, serve_record were scored with it"):
        refuse_needed_model(sha256)
    assert done(FAR) == []
    assert needed_models() == {}
    refuse_needed_model(sha256)


def test_what_a_crash_left_is_finished_by_the_next_run(month: LogPlace, cold_files: ColdStore) -> None:
    assert done() == []
    records = ColdMonth.objects.get(table="records")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("compliance.audit.cold.expiry.clear", lambda store: 0)  # killed behind the commit
        assert done(FAR) == []
    files = [cold_files.home / each["name"] for each in records.files]
    assert all(path.exists() for path in files)
    assert done() == []
    assert not any(path.exists() for path in files)
    assert faults(month) == []


@pytest.fixture(name="cold_files")
def _cold_files(month: LogPlace) -> ColdStore:
    return cold_store()


@pytest.mark.django_db(transaction=True)
def test_two_do_not_retain_at_once() -> None:
    from django.db import connections

    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [0x636C6572_636F6C64])
        with pytest.raises(Busy, match="Another process"), alone():
            pass
        cursor.execute("SELECT pg_advisory_unlock(%s)", [0x636C6572_636F6C64])
    other.close()
    with alone():
        pass


@pytest.mark.django_db
def test_a_hold_keeps_the_person_it_covers_from_being_erased(world: World) -> None:
    sam, alex = world.subject("sam").pseudonym, world.subject("alex").pseudonym
    key_for(sam)
    hold = place_hold(by="ann", approved_by="bob", why="case 7", pseudonym=sam)
    with pytest.raises(OrderRefused, match="a legal hold placed by ann"):
        erase(pseudonym=sam, by=SUBJECT, why="asked for")
    assert key_of(sam)
    assert erase(pseudonym=alex, by=SUBJECT, why="asked for")
    lift_hold(hold_id=hold.id, by="ann", approved_by="bob", why="case closed")
    assert erase(pseudonym=sam, by=SUBJECT, why="asked for")
