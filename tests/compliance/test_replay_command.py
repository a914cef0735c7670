"""`manage.py replay`: which records it takes, what it says to people and machines, and its exit status."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from compliance.audit.keys.orders import SUBJECT
from compliance.audit.keys.services import erase
from compliance.audit.models import Blob, ServeRecord
from compliance.audit.storage import packing
from ranking.serving.scorer import registry
from tests.compliance.test_door import serve_on
from tests.conftest import World


@pytest.fixture(name="records")
def _records(world: World) -> list[ServeRecord]:
    """Three records, oldest first."""
    for name in ("alex", "sam", "kim"):
        serve_on(world.subject(name))
    return list(ServeRecord.objects.order_by("id"))


def said(*arguments: str) -> str:
    """The lines of a command that ends well."""
    out = io.StringIO()
    call_command("replay", *arguments, stdout=out)
    return out.getvalue()


def failed(*arguments: str) -> tuple[str, int]:
    """The lines and the exit status of a command that does not end well."""
    out = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("replay", *arguments, stdout=out)
    return out.getvalue(), caught.value.returncode


def test_one_record_says_which_grade_held(records: list[ServeRecord]) -> None:
    text = said(str(records[0].id))
    assert f"{records[0].id}: R2 held, R2 promised, scores within 0" in text
    assert "1 replayed: 1 R2; 0 erased; 1 identical; 0 broke what they promised" in text


def test_a_broken_promise_is_status_1_and_named(records: list[ServeRecord]) -> None:
    ServeRecord.objects.filter(id=records[1].id).update(tier="child")
    text, status = failed("--last", "3")
    assert status == 1
    assert f"{records[1].id}: no grade held, R2 promised" in text
    assert f"{records[1].id}: column tier" in text
    assert str(records[0].id) not in text
    assert "3 replayed: 1 none, 2 R2" in text


def test_erased_people_count_apart_and_are_no_failure(records: list[ServeRecord]) -> None:
    erase(pseudonym=records[0].pseudonym, by=SUBJECT, why="asked to")
    assert "3 replayed: 2 R2; 1 erased" in said("--last", "3")
    assert "erased, commitment verified" in said(str(records[0].id))


def test_machines_get_one_document(records: list[ServeRecord]) -> None:
    erase(pseudonym=records[0].pseudonym, by=SUBJECT, why="asked to")
    ServeRecord.objects.filter(id=records[1].id).update(tier="child")
    text, status = failed("--last", "3", "--json")
    document = json.loads(text)
    assert status == 1
    assert (document["replayed"], document["erased"], document["kept"]) == (3, 1, False)
    assert document["grades"] == {"none": 1, "R2": 1}
    assert [(one["serve_id"], one["grade"], one["promised"]) for one in document["broken"]] == [
        (str(records[1].id), "none", "R2")
    ]
    assert document["broken"][0]["differences"][0]["what"] == "column tier"
    assert document["environment"]["cpu_capability"]


def test_a_sample_is_drawn_by_a_rule_that_anybody_can_follow(records: list[ServeRecord]) -> None:
    ids = sorted(
        (str(one.id) for one in records), key=lambda one: hashlib.sha256(f"the seed:{one}".encode()).hexdigest()
    )
    ServeRecord.objects.update(tier="none")  # so that each is named
    text, _ = failed("--sample", "2", "--seed", "the seed", "--json")
    assert [one["serve_id"] for one in json.loads(text)["broken"]] == ids[:2]


def test_since_takes_nothing_older(records: list[ServeRecord]) -> None:
    moment = timezone.now() + timedelta(seconds=1)
    assert "3 replayed" in said("--since", (moment - timedelta(hours=1)).isoformat())
    assert "0 replayed" in said("--since", moment.isoformat())
    assert "0 replayed" in said("--sample", "5", "--seed", "x", "--since", moment.isoformat())
    assert "3 replayed" in said("--since", "2020-01-01")


def test_progress_is_said_on_standard_error_when_asked_for(
    records: list[ServeRecord], capsys: pytest.CaptureFixture[str]
) -> None:
    said("--last", "3", "--progress")
    assert "replayed: 1 of 3" in capsys.readouterr().err


def test_records_are_held_against_the_signed_log_where_there_is_one(
    records: list[ServeRecord], settings: Any, tmp_path: Path
) -> None:
    assert not json.loads(said("--last", "3", "--json"))["signed_tree"]
    assert "was not looked at" in said("--last", "1")
    settings.AUDIT_LOG = {**settings.AUDIT_LOG, "folder": tmp_path / "log", "key": tmp_path / "key"}
    call_command("sequencer", once=True, stdout=io.StringIO())
    assert json.loads(said("--last", "3", "--json"))["signed_tree"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Name one serve id"),
        (("--last", "0"), "0 is not a number of records"),
        (("--last=-1",), "-1 is not a number of records"),
        (("--last", "1", "--sample", "1", "--seed", "x"), "Name one serve id"),
        (("--last", "1", "--since", "2026-01-01"), "--since goes with a sample"),
        (("--sample", "1"), "A sample needs a seed"),
        (("--seed", "x"), "A sample needs a seed"),
        (("--since", "yesterday"), "no moment"),
        (("00000000-0000-7000-8000-000000000000",), "There is no serve record"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(db: None, arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("replay", *arguments)


def test_the_inventory_is_whole_after_serving(records: list[ServeRecord]) -> None:
    assert "3 records read, 0 things missing" in said("--inventory")


def test_the_inventory_asks_for_no_model_of_another_ranker(records: list[ServeRecord]) -> None:
    ServeRecord.objects.filter(id=records[0].id).update(source="elsewhere", model_sha256=bytes(32))
    assert "0 things missing" in said("--inventory")


def test_the_inventory_names_each_thing_that_a_record_needs(
    records: list[ServeRecord], monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    away = registry().root / "away"
    folder = registry().root / world.model_sha256
    folder.rename(away)
    monkeypatch.setattr(packing, "_numbers", tuple)
    try:
        text, status = failed("--inventory")
    finally:
        away.rename(folder)
    assert status == 1
    assert f"records in the database need model file: recorded {world.model_sha256}" in text
    assert "rows in the database need dictionary" in text
    monkeypatch.undo()
    Blob.objects.all().delete()
    text, _ = failed("--inventory")
    assert "3 records need policy pack" in text
    assert "nothing: it is missing" in text


def test_it_is_a_verb_of_the_audit_command_too(records: list[ServeRecord]) -> None:
    out = io.StringIO()
    call_command("audit", "replay", "--last", "3", "--json", stdout=out)
    assert json.loads(out.getvalue())["grades"] == {"R2": 3}
    ServeRecord.objects.filter(id=records[1].id).update(tier="none")
    with pytest.raises(CommandError) as caught:
        call_command("audit", "replay", str(records[1].id), stdout=io.StringIO())
    assert caught.value.returncode == 1
