"""What the audit API answers: records, proofs, replays, parameters, samples, the log."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import zipfile
from base64 import b64decode
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from compliance.audit.access import records, replays
from compliance.audit.ingest import sources
from compliance.audit.keys.services import erase
from compliance.audit.log.batch import entry_of
from compliance.audit.log.note import parse_vkey
from compliance.audit.log.receipt import parse_receipt, verify_receipt
from compliance.audit.models import AuditEvent, LogEntry, ServeRecord
from compliance.serving.promotion import promote
from ranking.catalogue.clock import from_ms
from tests.compliance.ingest.made_decisions import decision
from tests.compliance.test_door import serve_on
from tests.conftest import World
from tests.host.audit_api.conftest import AUDIT, WHY, is_refusal, key_for, read


def test_records_come_in_pages_and_by_clear_columns(serves: list[str], key: str) -> None:
    first = read(key, "records?limit=2").json()
    second = read(key, f"records?limit=2&after={first['next']}").json()
    assert [one["id"] for one in (*first["records"], *second["records"])] == serves
    assert second["next"] is None
    assert "pseudonym" not in str(first)
    assert {one["leaf"] for one in first["records"]} == {0, 1}
    assert not any(one["erased"] for one in first["records"])
    for query, expected in (
        ("feed_mode=personalised", serves[:1]),
        ("tier=teen", serves[1:2]),
        ("tier=child&surface=home", serves[2:]),
        ("source=", serves),
        ("source=elsewhere", []),
        (f"model={'0' * 64}", []),
        (f"service={django_settings.SERVICE}", serves),
    ):
        assert [one["id"] for one in read(key, f"records?{query}").json()["records"]] == expected, query


def test_a_range_is_of_the_ids_own_clock(serves: list[str], key: str) -> None:
    made = timezone.now()
    ago = (made - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    soon = (made + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert len(read(key, f"records?from={ago}&to={soon}").json()["records"]) == 3
    assert read(key, f"records?to={ago}").json()["records"] == []
    assert "not after" in str(is_refusal(read(key, f"records?from={soon}&to={ago}"), 400)["extra"])


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "tier=old", "model=abc", "after=1", "from=2026-01-01", "pseudonym=x", "order=id", "a=1"],
)
def test_a_query_that_is_not_in_the_schema_is_refused(key: str, query: str) -> None:
    is_refusal(read(key, f"records?{query}"), 400)


def test_a_question_that_takes_too_long_is_stopped(
    serves: list[str], key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: Any, **__: Any) -> list[dict[str, Any]]:
        with records.in_time(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(10)")
        return []

    monkeypatch.setattr(records, "PATIENCE_MS", 50)
    monkeypatch.setattr(records, "page", slow)
    assert "Narrow it" in is_refusal(read(key, "records"), 422)["message"]
    assert read(key, f"records/{serves[0]}").status_code == 200  # and the next question has its own time


def test_a_record_is_shown_with_its_document_and_what_the_log_holds(serves: list[str], key: str) -> None:
    found = read(key, f"records/{serves[0]}").json()
    assert found["document"]["id"] == found["record"]["id"] == serves[0]
    assert found["document"]["output"]["items"]
    assert found["commitment"]["holds"]
    assert found["commitment"]["digest"] == bytes(LogEntry.objects.get(event_id=serves[0]).digest).hex()
    is_refusal(read(key, f"records/{UUID(int=7)}"), 404)


def test_an_erased_record_is_410_with_its_commitment_and_a_proof_that_holds(
    serves: list[str], key: str, world: World
) -> None:
    erase(pseudonym=world.subject("alex").pseudonym, by="subject", why="asked for it")
    extra = is_refusal(read(key, f"records/{serves[0]}"), 410)["extra"]
    assert extra["erased"]
    assert extra["record"]["erased"]
    assert extra["commitment"]["holds"]
    assert extra["receipt"] == read(key, f"records/{serves[0]}/proof").json()["receipt"]
    assert is_refusal(read(key, f"records/{serves[0]}/replay"), 410)["extra"]["commitment"]["holds"]
    assert read(key, f"records/{serves[1]}").status_code == 200
    assert [one["erased"] for one in read(key, "records").json()["records"]] == [True, False, False]


def test_changed_bytes_are_said_to_be_and_the_commitment_tells(serves: list[str], key: str) -> None:
    record = ServeRecord.objects.get(id=serves[0])
    body = bytearray(bytes(record.body))
    body[-1] ^= 1
    ServeRecord.objects.filter(id=record.id).update(body=bytes(body))
    assert "does not open" in is_refusal(read(key, f"records/{serves[0]}"), 409)["message"]
    assert "does not hold" in is_refusal(read(key, f"records/{serves[0]}/proof"), 409)["message"]


def test_a_receipt_verifies_against_the_logs_key(serves: list[str], key: str) -> None:
    found = read(key, f"records/{serves[1]}/proof").json()
    log = parse_vkey(read(key, "log").json()["vkey"])
    entry = b"".join(bytes(one) for one in LogEntry.objects.filter(leaf=1).values_list("digest", flat=True))
    receipt = parse_receipt(found["receipt"])
    assert verify_receipt(receipt, entry_of([entry]), log=log).size == found["size"] == 3


def test_evidence_is_checked_offline_by_the_one_file_verifier(serves: list[str], key: str, tmp_path: Path) -> None:
    found = read(key, f"records/{serves[0]}/evidence").json()
    content = b64decode(found["zip_base64"])
    assert (len(content), hashlib.sha256(content).hexdigest()) == (found["bytes"], found["sha256"])
    assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None
    (tmp_path / "evidence.zip").write_bytes(content)
    verifier = Path(django_settings.BASE_DIR) / "compliance" / "audit" / "verify_evidence.py"
    command = [sys.executable, "-I", str(verifier), str(tmp_path / "evidence.zip"), found["vkey"]]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603 - our own


def test_what_waits_for_the_log_says_so(serves: list[str], key: str, world: World) -> None:
    waiting = str(serve_on(world.subject("sam")).serve_id)
    for what in ("proof", "evidence"):
        assert "60 seconds" in is_refusal(read(key, f"records/{waiting}/{what}"), 409)["message"]
        is_refusal(read(key, f"records/{UUID(int=7)}/{what}"), 404)
    assert read(key, f"records/{waiting}").json()["commitment"]["leaf"] is None


def test_an_auditors_own_view_can_be_proved(serves: list[str], key: str) -> None:
    read(key, "parameters")
    event = AuditEvent.objects.get(kind="auditor_view")
    call_command("sequencer", once=True)
    assert read(key, f"records/{event.id}/proof").status_code == 200


def test_a_replay_says_what_held_and_what_differed(serves: list[str], key: str) -> None:
    found = read(key, f"records/{serves[0]}/replay").json()
    assert found["identical"]
    assert (found["grade"], found["promised"], found["kept"]) == ("R2", "R2", True)
    assert (found["differences"], found["largest_difference"]) == ([], 0.0)
    ServeRecord.objects.filter(id=serves[0]).update(tier="child")
    changed = read(key, f"records/{serves[0]}/replay").json()
    assert not changed["identical"]
    assert (changed["promised"], changed["kept"]) == ("R2", False)
    assert {"what": "column tier", "recorded": "adult", "found": "child"} in changed["differences"]
    is_refusal(read(key, f"records/{UUID(int=7)}/replay"), 404)


def test_the_bytes_of_an_act_that_names_people_take_a_scope_of_their_own(
    serves: list[str], key: str, world: World
) -> None:
    read(key, f"records/{serves[0]}")
    view = AuditEvent.objects.filter(kind="auditor_view").latest("id")
    call_command("sequencer", once=True)
    where = f"records/{view.id}/evidence"
    greg = Client()
    greg.force_login(world.user("greg"))
    for refused in (read(key_for("second", "proofs"), where), greg.get(AUDIT + where, headers=WHY)):
        assert "the scope `acts`" in is_refusal(refused, 403)["message"]
    assert read(key, f"records/{view.id}/proof").status_code == 200
    shown = read(key_for("third", "proofs,acts"), where)
    with zipfile.ZipFile(io.BytesIO(b64decode(shown.json()["zip_base64"]))) as bundle:
        assert bundle.read("record") == bytes(view.body)


def test_what_another_ranker_decided_is_shown_proved_and_drawn_like_our_own(log: Path, key: str) -> None:
    source = sources.add(name="elsewhere", service="test", by="ada", why="a test")
    event = decision(1)
    header = {"Authorization": f"Bearer {source}"}
    posted = Client().post("/api/v1/ingest/decisions", {"events": [event]}, "application/json", headers=header)
    assert posted.status_code == 200
    call_command("sequencer", once=True)
    assert [one["id"] for one in read(key, "records?source=elsewhere").json()["records"]] == [event["id"]]
    found = read(key, f"records/{event['id']}").json()
    assert (found["document"]["source"], found["commitment"]["holds"]) == ("elsewhere", True)
    assert read(key, f"records/{event['id']}/evidence").status_code == 200
    replayed = read(key, f"records/{event['id']}/replay").json()
    assert (replayed["grade"], replayed["promised"], replayed["kept"]) == (
        "R0",
        "R0",
        True,
    )  # we cannot decide it again
    assert read(key, "samples?seed=s").json()["ids"] == [event["id"]]


def test_replays_that_would_be_too_many_are_told_to_come_back(
    serves: list[str], key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with replays._one:
        answer = read(key, f"records/{serves[0]}/replay")
    assert "Other replays are running" in is_refusal(answer, 429)["message"]
    assert answer["Retry-After"] == "1"
    monkeypatch.setattr(replays, "AT_ONCE", 0)  # other processes hold all places
    is_refusal(read(key, f"records/{serves[0]}/replay"), 429)
    monkeypatch.undo()
    assert read(key, f"records/{serves[0]}/replay").status_code == 200


def test_parameters_say_what_decides_and_what_decided_when(serves: list[str], key: str, world: World) -> None:
    for sha256 in (world.other_model_sha256, world.model_sha256):
        promote(service=world.service, sha256=sha256, by="ada", why="to compare")
    found = read(key, "parameters").json()
    assert (found["live"]["model_sha256"], found["live"]["problem"]) == (world.model_sha256, "")
    policy = found["policy"]
    assert policy["sha256"] == found["live"]["policy_sha256"]
    assert hashlib.sha256(policy["content"].encode()).hexdigest() == policy["sha256"]
    assert policy["weights"]["value"] == {"like": 1.0}
    now, before = found["history"]["models"][:2]
    assert (now["sha256"], now["until_ms"], now["by"]) == (world.model_sha256, None, "ada")
    assert (before["sha256"], before["until_ms"]) == (world.other_model_sha256, now["from_ms"])
    in_force = found["history"]["policies"][0]
    assert (in_force["sha256"], in_force["until_ms"]) == (policy["sha256"], None)
    model = next(one for one in found["models"] if one["sha256"] == world.model_sha256)
    assert model["manifest"]["files"]["model.safetensors"]


def test_a_pack_that_a_record_names_is_shown_with_its_file(serves: list[str], key: str) -> None:
    sha256 = read(key, f"records/{serves[0]}").json()["document"]["policy_sha256"]
    pack = read(key, f"packs/{sha256}").json()
    assert hashlib.sha256(pack["content"].encode()).hexdigest() == sha256
    is_refusal(read(key, f"packs/{'0' * 64}"), 404)


def test_a_sample_is_the_same_however_many_records_come_later(serves: list[str], key: str, world: World) -> None:
    first = read(key, "samples?seed=mine&size=2").json()
    assert (first["at"], first["population"]) == (3, 3)
    ranked = sorted(serves, key=lambda one: hashlib.sha256(f"mine:{one}".encode()).digest())
    assert first["ids"] == ranked[:2]  # whoever knows the method gets the same
    for name in ("alex", "sam", "kim"):
        serve_on(world.subject(name))
    call_command("sequencer", once=True)
    assert read(key, "samples?seed=mine&size=2&at=3").json() == first
    later = read(key, "samples?seed=mine&size=1000").json()
    assert later["population"] == 6
    assert set(first["ids"]) < set(later["ids"])
    assert read(key, "samples?seed=other&size=1000").json()["ids"] != later["ids"]


def test_samples_of_parts_make_up_the_sample_of_the_whole(serves: list[str], key: str) -> None:
    middle = from_ms(UUID(serves[1]).int >> 80).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    parts = [read(key, f"samples?seed=s&size=2&at=3&{part}={middle}").json() for part in ("to", "from")]
    assert [part["population"] for part in parts] == [1, 2]
    drawn = sorted(
        (one for part in parts for one in part["ids"]), key=lambda one: hashlib.sha256(f"s:{one}".encode()).digest()
    )
    assert drawn[:2] == read(key, "samples?seed=s&size=2&at=3").json()["ids"]


def test_a_record_that_was_removed_is_still_drawn(serves: list[str], key: str) -> None:
    ServeRecord.objects.filter(id=serves[0]).delete()
    assert serves[0] in read(key, "samples?seed=s&size=9").json()["ids"]


@pytest.mark.parametrize("query", ["", "seed=", "seed=a%20b", "seed=a&size=0", "seed=a&size=1001", "seed=a&at=-1"])
def test_a_sample_that_is_not_in_the_schema_is_refused(serves: list[str], key: str, query: str) -> None:
    is_refusal(read(key, f"samples?{query}"), 400)


def test_a_sample_of_a_log_that_was_never_signed_is_refused(serves: list[str], key: str) -> None:
    assert "3 signed leaves" in is_refusal(read(key, "samples?seed=a&at=4"), 422)["message"]


def test_the_log_says_how_it_is_kept(serves: list[str], key: str) -> None:
    found = read(key, "log").json()
    assert (found["size"], found["merge_delay_seconds"], found["tiles"]) == (3, 60, "/log/")
    assert found["checkpoint"].splitlines()[1] == "3"
    assert (found["witnesses"], found["witnesses_needed"], found["second_checkpoint_store"]) == ([], 0, False)


@pytest.mark.parametrize("what", ["log", "samples?seed=a"])
def test_a_log_that_nobody_signed_is_said_to_be_none(log: Path, key: str, what: str) -> None:
    assert "Nobody has signed" in is_refusal(read(key, what), 409)["message"]


def test_a_narrow_key_reads_the_log(serves: list[str]) -> None:
    assert read(key_for("narrow", "samples"), "log").status_code == 200
