"""Other rankers post their decisions under a key of their own, as themselves only, and hear what became of them."""

from __future__ import annotations

import json
import time
from io import StringIO
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.test import Client

from compliance.audit.ingest import backlog, services, sources
from compliance.audit.ingest.document import MOST_BYTES
from compliance.audit.ingest.models import IngestSource
from compliance.audit.keys.errors import VaultRefused
from compliance.audit.models import AuditEvent, ServeRecord
from compliance.audit.selectors import document_of
from tests.compliance.ingest.made_decisions import decision
from tests.conftest import World

DECISIONS = "/api/v1/ingest/decisions"
JSON = "application/json"
HOUR_MS = 3_600_000


def address(name: str, what: str) -> str:
    return f"/api/v1/ingest/sources/{name}/{what}"


@pytest.fixture(autouse=True)
def _looks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog._Seen, "at", float("-inf"))


@pytest.fixture
def key(db: None) -> str:
    """The key of a source, as the command shows it."""
    return added("elsewhere")


def added(name: str) -> str:
    shown = StringIO()
    call_command("ingest_source", "add", name, "--by", "an operator", "--why", "a test", stdout=shown)
    return shown.getvalue().strip()


def post(key: str, body: Any, where: str = DECISIONS) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Client(raise_request_exception=False).generic(
        "POST", where, content, content_type=JSON, headers={"Authorization": f"Bearer {key}"}
    )


def read(key: str, where: str) -> Any:
    return Client().get(where, headers={"Authorization": f"Bearer {key}"})


def test_a_batch_is_on_record_when_it_is_answered_and_again_when_it_comes_again(key: str) -> None:
    events = [decision(number) for number in range(1, 4)]
    ids = sorted(event["id"] for event in events)
    answer = post(key, {"events": events})
    assert (answer.status_code, answer.json()) == (200, {"written": ids, "already": []})
    assert document_of(ServeRecord.objects.get(id=ids[0]))["source"] == "elsewhere"
    assert post(key, {"events": events}).json() == {"written": [], "already": ids}


def test_a_wrong_batch_is_refused_whole_and_each_wrong_event_is_named(key: str) -> None:
    events = [decision(1), decision(2, tier="?"), decision(3, surface=7)]
    answer = post(key, {"events": events})
    assert answer.status_code == 400
    assert [named["place"] for named in answer.json()["extra"]["events"]] == [1, 2]
    assert answer.json()["extra"]["count"] == 2
    assert not ServeRecord.objects.exists()


def test_what_contradicts_the_record_is_a_conflict_by_name(key: str) -> None:
    event = decision(1)
    post(key, {"events": [event]})
    answer = post(key, {"events": [decision(2), event | {"tier": "teen"}]})
    assert answer.status_code == 409
    assert answer.json()["extra"]["events"][0]["id"] == event["id"]
    assert ServeRecord.objects.count() == 1


BODIES: dict[str, bytes] = {
    "no events": b"{}",
    "more than events": b'{"events": [], "more": 1}',
    "no list": b'{"events": {}}',
    "nobody's": b'{"events": [null]}',
    "NUL": b'{"events": ["\\u0000"]}',
    "half a pair": b'{"events": ["\\ud800"]}',
    "NaN": b'{"events": [NaN]}',
    "the same key twice": b'{"events": [], "events": []}',
    "not UTF-8": b'{"events": "\xff"}',
    "65 levels": b'{"events":' + b"[" * 65 + b"]" * 65 + b"}",
    "30,000 levels": b'{"events":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "a great number": b'{"events": [9007199254740993]}',
    "5,001 events": b'{"events": [' + b"1," * 5000 + b"1]}",
    "an array": b"[]",
}


@pytest.mark.parametrize("name", BODIES)
def test_what_is_no_batch_is_refused(key: str, name: str) -> None:
    answer = post(key, BODIES[name])
    assert answer.status_code == 400
    assert set(answer.json()) == {"message", "extra"}


@pytest.mark.parametrize("place", ["id", "sequence", "pseudonym", "served_at_ms", "items", "model", "parameters"])
@pytest.mark.parametrize(
    "value", [None, True, -1, 0.5, 2**53 - 1, "", "\x00", "x" * 70_000, [], [[]], {}, {"a": {"b": 1}}]
)
def test_hostile_values_anywhere_are_refused_and_never_break(key: str, place: str, value: Any) -> None:
    fine = (place, value) in [("model", None), ("items", []), ("parameters", {}), ("sequence", 2**53 - 1)]
    assert post(key, {"events": [decision(1) | {place: value}]}).status_code == (200 if fine else 400)


def test_a_batch_may_be_longer_than_other_bodies_but_not_than_its_own_limit(key: str) -> None:
    assert post(key, {"events": [decision(number) for number in range(1, 101)]}).status_code == 200
    assert post(key, b'{"events": "' + b"x" * MOST_BYTES + b'"}').status_code == 413


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer ", "Basic abc", "Bearer elsewhere", "Bearer elsewhere.x", "Bearer \xfc"]
)
def test_without_a_key_nothing_is_read_or_written(key: str, given: str) -> None:
    for method, where in (("POST", DECISIONS), ("GET", address("elsewhere", "gaps"))):
        body = b'{"events": "is not even read' if method == "POST" else b""
        answer = Client().generic(method, where, body, content_type=JSON, headers={"Authorization": given})
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_signed_in_person_is_nobody_here(world: World) -> None:
    client = Client()
    client.force_login(world.user("alex"))
    assert client.post(DECISIONS, {"events": [decision(1)]}, content_type=JSON).status_code == 401


def test_a_source_sees_and_claims_for_itself_only(key: str) -> None:
    other = added("other")
    post(key, {"events": [decision(3)]})
    assert read(key, address("elsewhere", "gaps")).json() == {"highest": 3, "missing": 2, "gaps": [[1, 2]]}
    assert read(other, address("other", "gaps")).json() == {"highest": 0, "missing": 0, "gaps": []}
    claim = {"hour_ms": 0, "count": 1}
    assert read(other, address("elsewhere", "gaps")).status_code == 404
    assert post(other, claim, address("elsewhere", "reconciliations")).status_code == 404
    assert post(other, claim, address("nobody", "reconciliations")).status_code == 404
    assert not AuditEvent.objects.filter(kind="reconciliation").exists()


def test_a_revoked_key_opens_nothing_and_a_renewed_one_replaces_it(key: str) -> None:
    assert post(key, {"events": [decision(1)]}).status_code == 200
    sources.revoke(name="elsewhere", by="an operator", why="a test")
    assert post(key, {"events": [decision(2)]}).status_code == 401
    renewed = sources.renew(name="elsewhere", by="an operator", why="a test")
    assert post(key, {"events": [decision(2)]}).status_code == 401
    assert post(renewed, {"events": [decision(2)]}).status_code == 200
    acts = [document_of(event)["act"] for event in AuditEvent.objects.filter(kind="ingest_source").order_by("id")]
    assert acts == ["added", "revoked", "renewed"]


def test_a_key_is_nowhere_in_the_database(key: str) -> None:
    row = IngestSource.objects.get(name="elsewhere")
    assert len(bytes(row.key_sha256)) == 32
    assert key.partition(".")[2].encode() not in bytes(row.key_sha256)


@pytest.mark.parametrize("name", ["", "A", "a.b", "-a", "a" * 33])
def test_a_source_has_a_plain_name_that_is_new(key: str, name: str) -> None:
    for refused in (name, "elsewhere"):
        with pytest.raises(CommandError):
            call_command("ingest_source", "add", "--by", "an operator", "--why", "a test", "--", refused)


def test_a_long_queue_is_a_429_with_a_time_to_come_back(key: str, settings: Any) -> None:
    post(key, {"events": [decision(1)]})
    settings.INGEST_QUEUE = 1
    backlog._Seen.at = float("-inf")
    answer = post(key, {"events": [decision(2)]})
    assert (answer.status_code, answer["Retry-After"]) == (429, "5")
    assert ServeRecord.objects.count() == 1


@pytest.mark.parametrize("error", [OperationalError("canceling statement due to lock timeout"), VaultRefused("gone")])
def test_what_the_service_needs_and_has_not_is_a_503(
    key: str, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_: object, **__: object) -> Any:
        raise error

    monkeypatch.setattr(services, "_keys", refuse)
    answer = post(key, {"events": [decision(1)]})
    assert answer.status_code == 503
    assert int(answer["Retry-After"]) >= 5
    assert "gone" not in answer.content.decode()


def test_counts_of_an_hour_are_compared_and_put_on_record_where_they_are_news(key: str) -> None:
    hour = (int(time.time() * 1000) // HOUR_MS - 2) * HOUR_MS
    edges = [hour - 1, hour, hour + HOUR_MS - 1, hour + HOUR_MS]
    post(key, {"events": [decision(number, at_ms=at) for number, at in enumerate(edges, 1)]})
    where = address("elsewhere", "reconciliations")
    expected = {"hour_ms": hour, "claimed": 2, "on_record": 2, "unexplained": 0}
    assert [post(key, {"hour_ms": hour, "count": 2}, where).json() for _ in range(3)] == [expected] * 3
    assert post(key, {"hour_ms": hour, "count": 5}, where).json()["unexplained"] == 3
    said = [document_of(event) for event in AuditEvent.objects.filter(kind="reconciliation").order_by("id")]
    assert [(one["claimed"], one["on_record"], one["missing"]) for one in said] == [(2, 2, 0), (5, 2, 0)]


@pytest.mark.parametrize(
    "claim", [{"hour_ms": 1, "count": 0}, {"hour_ms": 0}, {"hour_ms": 0, "count": -1}, {"hour_ms": 0, "count": 1.0}]
)
def test_a_claim_about_no_past_hour_is_refused(key: str, claim: Any) -> None:
    where = address("elsewhere", "reconciliations")
    assert post(key, claim, where).status_code == 400
    this_hour = int(time.time() * 1000) // HOUR_MS * HOUR_MS
    assert post(key, {"hour_ms": this_hour, "count": 0}, where).status_code == 400


def test_the_command_fails_on_what_is_unexplained_and_names_it(key: str) -> None:
    hour = (int(time.time() * 1000) // HOUR_MS - 2) * HOUR_MS
    events = [decision(number, at_ms=hour) for number in range(1, 5)]
    post(key, {"events": [events[0], events[3]]})
    post(key, {"hour_ms": hour, "count": 4}, address("elsewhere", "reconciliations"))
    said = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("audit", "reconcile", stdout=said)
    assert caught.value.returncode == 1
    assert "4 decisions unexplained" in said.getvalue()
    assert "claimed 4, on record 2" in said.getvalue()
    assert "numbers 2 to 3 have not come" in said.getvalue()
    post(key, {"events": events})
    said = StringIO()
    call_command("audit", "reconcile", "--json", stdout=said)
    (found,) = json.loads(said.getvalue())["sources"]
    assert (found["unexplained"], found["missing"], found["hours"][0]["on_record"]) == (0, 0, 4)


def test_each_source_has_its_own_number_of_requests(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from rest_framework.throttling import ScopedRateThrottle

    cache.clear()
    monkeypatch.setattr(ScopedRateThrottle, "THROTTLE_RATES", {"ingest": "1/min"})
    other = added("another")
    assert post(key, {"events": [decision(1)]}).status_code == 200
    answer = post(key, {"events": [decision(2)]})
    assert (answer.status_code, 1 <= int(answer["Retry-After"]) <= 60) == (429, True)
    assert post(other, {"events": [decision(3)]}).status_code == 200
