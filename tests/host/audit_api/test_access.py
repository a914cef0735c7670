"""Who may read the audit API: every address, with every way of not being allowed to."""

from __future__ import annotations

import uuid
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from compliance.audit.access.viewing import SCOPES
from compliance.audit.models import AuditEvent, AuditorKey, ServeRecord
from compliance.audit.selectors import document_of
from host.regulator_portal import urls
from tests.conftest import World
from tests.host.audit_api.conftest import ALL, AUDIT, WHY, is_refusal, key_for, read

ADDRESSES = {
    "records": "records",
    "records/{id}": "records",
    "records/{id}/proof": "proofs",
    "records/{id}/evidence": "proofs",
    "records/{id}/replay": "replays",
    "parameters": "parameters",
    f"packs/{'0' * 64}": "parameters",
    f"escrow/{'0' * 64}": "parameters",
    "samples?seed=x": "samples",
    "log": "",
}
EVERY = sorted(ADDRESSES)


def address(template: str, serve_id: str = str(uuid.UUID(int=7))) -> str:
    return template.format(id=serve_id)


def views() -> int:
    return AuditEvent.objects.filter(kind="auditor_view").count()


def test_the_table_names_every_address() -> None:
    assert len(ADDRESSES) == len(urls.urlpatterns)


@pytest.mark.parametrize("template", EVERY)
def test_nobody_is_shown_anything_without_a_key_that_holds(world: World, template: str) -> None:
    good = key_for("good")
    expired, revoked = key_for("expired"), key_for("revoked")
    AuditorKey.objects.filter(name="expired").update(expires_at=timezone.now() - timedelta(seconds=1))
    call_command("auditor", "revoke", "revoked", "--by", "ada", "--why", "the mandate ended")
    made_up = f"good.{'x' * 43}"
    for wrong in (expired, revoked, made_up, "", "good", good[:-1], f"{good}x", good.upper(), f"other.{good[5:]}"):
        answer = read(wrong, address(template))
        assert "no auditor's key that holds" in is_refusal(answer, 401)["message"]
        assert answer["WWW-Authenticate"].startswith("Bearer")
    for header in ("Basic YTpi", good, f"bearer {good}", f"Bearer  {good}", "Bearer " + "x" * 300):
        is_refusal(Client().get(AUDIT + address(template), headers={"Authorization": header}), 401)
    is_refusal(Client().get(AUDIT + address(template), headers=WHY), 401)
    assert views() == 0


@pytest.mark.parametrize("name", ["alex", "kim", "gale", "rhea", "ada"])
def test_people_researchers_and_operators_are_shown_nothing(world: World, name: str) -> None:
    client = Client()
    client.force_login(world.user(name))
    for template in EVERY:
        refusal = is_refusal(client.get(AUDIT + address(template), headers=WHY), 403)
        assert "regulators and vetted auditors" in refusal["message"]
    assert views() == 0


@pytest.mark.parametrize("template", [template for template in EVERY if ADDRESSES[template]])
def test_a_key_for_everything_else_is_refused_and_told_for_what(world: World, template: str) -> None:
    scope = ADDRESSES[template]
    others = key_for("others", ",".join(each for each in SCOPES if each != scope))
    assert f"not for {scope}" in is_refusal(read(others, address(template)), 403)["message"]
    assert views() == 0


@pytest.mark.parametrize("template", EVERY)
def test_a_key_for_one_thing_and_a_regulator_reach_it(serves: list[str], world: World, template: str) -> None:
    narrow = key_for("narrow", ADDRESSES[template] or "samples")
    greg = Client()
    greg.force_login(world.user("greg"))
    expected = 404 if "0" * 64 in template else 200
    where = address(template, serves[0])
    asks = (partial(read, narrow, where), partial(greg.get, AUDIT + where, headers=WHY))
    for number, ask in enumerate(asks, start=1):
        answer = ask()
        assert answer.status_code == expected, answer.content
        assert views() == number
        assert expected != 200 or "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_nothing_can_be_written(world: World, key: str, method: str) -> None:
    headers = {"Authorization": f"Bearer {key}", **WHY}
    for template in EVERY:
        where = AUDIT + address(template).partition("?")[0]
        is_refusal(Client().generic(method, where, b"{}", "application/json", headers=headers), 405)
    assert views() == 0


def test_a_key_counts_more_than_a_session(world: World) -> None:
    greg = Client()
    greg.force_login(world.user("greg"))
    is_refusal(greg.get(f"{AUDIT}log", headers={"Authorization": "Bearer greg.wrong"}), 401)


def test_a_key_is_given_out_by_two_people_and_shown_once(world: World) -> None:
    shown = key_for("unit-seven", "proofs,records")
    row = AuditorKey.objects.get(name="unit-seven")
    assert shown.encode() not in bytes(row.key_sha256)
    assert len(shown.partition(".")[2]) == 43  # 256 bits
    event = AuditEvent.objects.filter(kind="auditor_key").latest("id")
    said = document_of(event)
    assert (said["act"], said["auditor"], said["scopes"]) == ("added", "unit-seven", ["proofs", "records"])
    assert (said["by"], said["approved_by"]) == ("ada", "ben")
    assert shown not in bytes(event.body).decode()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"approved_by": "ada"}, "no second person"),
        ({"approved_by": " "}, "no second person"),
        ({"by": ""}, "who does this"),
        ({"why": ""}, "who does this"),
        ({"days": "0"}, "1 to 366 days"),
        ({"days": "367"}, "1 to 366 days"),
        ({"scopes": "records,everything"}, "no scope 'everything'"),
        ({"scopes": ""}, "no scope ''"),
        ({"name": "Ünit"}, "no name"),
        ({"name": "taken"}, "Take another name"),
    ],
)
def test_what_a_key_needs_is_refused_by_name(world: World, changes: dict[str, str], words: str) -> None:
    key_for("taken")
    before = (AuditorKey.objects.count(), AuditEvent.objects.count())
    asked = {"name": "new", "scopes": ALL, "days": "3", "by": "ada", "approved_by": "ben", "why": "x", **changes}
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in asked.items() if name != "name"]
    with pytest.raises(CommandError, match=words):
        call_command("auditor", "add", asked["name"], *arguments)
    assert (AuditorKey.objects.count(), AuditEvent.objects.count()) == before


def test_a_key_is_taken_away_for_good_and_on_record(world: World) -> None:
    shown = key_for("gone")
    call_command("auditor", "revoke", "gone", "--by", "ada", "--why", "lost laptop")
    is_refusal(read(shown, "parameters"), 401)
    assert document_of(AuditEvent.objects.filter(kind="auditor_key").latest("id"))["act"] == "revoked"
    for name in ("gone", "nobody"):
        with pytest.raises(CommandError, match="could be taken away"):
            call_command("auditor", "revoke", name, "--by", "ada", "--why", "again")


def test_the_list_says_how_keys_stand(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b", "c"):
        key_for(name, "records")
    AuditorKey.objects.filter(name="b").update(expires_at=timezone.now())
    call_command("auditor", "revoke", "c", "--by", "ada", "--why", "done")
    call_command("auditor", "list")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" ")[1] for line in lines[-3:]] == ["holds", "expired", "revoked"]


def test_a_regulator_reads_other_peoples_records_here_alone(serves: list[str], world: World) -> None:
    greg = Client()
    greg.force_login(world.user("greg"))
    answer = greg.get(f"/api/v1/serves/{serves[0]}")
    assert "/api/v1/audit/records/" in is_refusal(answer, 403)["message"]
    assert views() == 0
    assert greg.get(f"{AUDIT}records/{serves[0]}", headers=WHY).status_code == 200
    assert views() == 1


def test_too_many_requests_are_told_when_to_come_back(
    log: Path, key: str, monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    from rest_framework.throttling import ScopedRateThrottle

    monkeypatch.setattr(ScopedRateThrottle, "THROTTLE_RATES", {"audit": "1/min", "audit_replay": "1/min"})
    other = key_for("auditor-two")
    assert read(key, "parameters").status_code == 200
    answer = read(key, "parameters")
    is_refusal(answer, 429)
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert views() == 1
    assert read(other, "parameters").status_code == 200  # each key has its own


def test_every_view_says_who_what_when_and_why(serves: list[str], key: str) -> None:
    before = timezone.now()
    assert read(key, f"records/{serves[0]}?reason=complaint%2012").status_code == 400  # two reasons
    answer = Client().get(
        f"{AUDIT}records/{serves[0]}?reason=complaint%2012%20%C3%A9", headers={"Authorization": f"Bearer {key}"}
    )
    assert answer.status_code == 200
    event = AuditEvent.objects.get(kind="auditor_view")
    said = document_of(event)
    assert said["by"] == {"name": "auditor-one", "by": "key"}
    assert (said["path"], said["record"]) == (f"{AUDIT}records/{serves[0]}", serves[0])
    assert (said["why"], said["scope"]) == ("complaint 12 é", "records")
    assert said["query"] == "reason=complaint%2012%20%C3%A9"
    assert before - timedelta(milliseconds=1) <= event.happened_at <= timezone.now()
    assert key not in bytes(event.body).decode()


@pytest.mark.parametrize("what", ["", "/proof", "/evidence", "/replay"])
def test_a_record_is_not_shown_without_a_reason(serves: list[str], key: str, what: str) -> None:
    for why in ("", "  ", "ab", "x" * 501, "caf\xe9 visit", "a\x01bc"):
        headers = {"Authorization": f"Bearer {key}", "X-Reason": why}
        answer = Client().get(f"{AUDIT}records/{serves[0]}{what}", headers=headers)
        assert "no reason was given" in is_refusal(answer, 400)["message"]
    assert views() == 0


@pytest.mark.parametrize("template", EVERY)
def test_what_cannot_be_put_on_record_is_not_shown(
    serves: list[str], key: str, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("compliance.audit.access.viewing.note", full)
    answer = read(key, address(template, serves[0]))
    refusal = is_refusal(answer, 503)
    assert "could not be put on record" in refusal["message"]
    assert refusal["extra"] == {}
    assert int(answer["Retry-After"]) >= 1


def test_an_attempt_at_what_is_not_there_is_on_record_too(log: Path, key: str) -> None:
    is_refusal(read(key, f"records/{uuid.uuid4()}"), 404)
    assert views() == 1
    assert not ServeRecord.objects.exists()
