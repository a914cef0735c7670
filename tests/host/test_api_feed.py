"""The API: slates, orders, events and records, for owner, other and outsider."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from compliance.audit.models import ServeRecord
from compliance.subjects.models import FeedChoice, HiddenItem
from ranking.catalogue.models import Audience, Event, Item
from tests.conftest import World


def signed_in(world: World, name: str) -> Client:
    client = Client()
    client.force_login(world.user(name))
    return client


def post(client: Client, address: str, body: Any, **headers: str) -> Any:
    return client.post(f"/api/v1/{address}", body, content_type="application/json", headers=headers)


def feed(client: Client, **body: Any) -> Any:
    return post(client, "feed", {"surface": "home", **body}).json()


def an_event(item: int, **changes: Any) -> dict[str, Any]:
    event = {"id": str(uuid.uuid4()), "item": item, "action": "like", "occurred_at": timezone.now().isoformat()}
    return {**event, **changes}


def is_refusal(response: Any, status: int) -> dict[str, Any]:
    """Check the one shape of an error and return it."""
    body: dict[str, Any] = response.json()
    assert response.status_code == status, body
    assert set(body) == {"message", "extra"}
    assert body["message"].endswith(".")
    return body


def test_a_slate_is_what_was_recorded(world: World) -> None:
    slate = feed(signed_in(world, "alex"))
    record = ServeRecord.objects.get()
    assert slate["serve_id"] == str(record.id)
    assert slate["feed_mode"] == record.feed_mode == "personalised"
    assert [item["rank"] for item in slate["items"]] == list(range(1, 13))
    assert all(item["title"] for item in slate["items"])
    assert all((item["scores"] is None) == item["explored"] for item in slate["items"])
    assert slate["model_sha256"] == world.model_sha256


def test_what_was_not_scored_has_no_score(world: World) -> None:
    slate = feed(signed_in(world, "kim"))
    assert slate["feed_mode"] == "popular"
    assert {item["scores"] for item in slate["items"]} == {None}
    assert {item["blended"] for item in slate["items"]} == {None}
    assert "personalised" not in slate["offered_modes"]


def test_the_same_idempotency_key_gives_the_same_slate(world: World) -> None:
    client, key = signed_in(world, "alex"), {"Idempotency-Key": str(uuid.uuid4())}
    first, second = (post(client, "feed", {"surface": "home"}, **key).json() for _ in range(2))
    assert (first.pop("replayed"), second.pop("replayed")) == (False, True)
    assert first == second
    assert ServeRecord.objects.count() == 1


def test_an_idempotency_key_is_a_persons_own(world: World) -> None:
    key = {"Idempotency-Key": "shared"}
    slates = [post(signed_in(world, name), "feed", {"surface": "home"}, **key).json() for name in ("alex", "gale")]
    assert slates[0]["serve_id"] != slates[1]["serve_id"]


def test_a_key_that_answered_another_request_is_refused(world: World) -> None:
    client, key = signed_in(world, "alex"), {"Idempotency-Key": "k"}
    post(client, "feed", {"surface": "home"}, **key)
    item = Item.objects.order_by("id")[0].pk
    is_refusal(post(client, "feed", {"surface": "related", "item": item}, **key), 409)


def test_the_related_list_leaves_its_item_out(world: World) -> None:
    item = Item.objects.order_by("id")[0].pk
    slate = post(signed_in(world, "alex"), "feed", {"surface": "related", "item": item, "size": 5}).json()
    assert len(slate["items"]) == 5
    assert item not in {place["id"] for place in slate["items"]}


def test_an_item_that_the_tier_does_not_allow_is_404(world: World) -> None:
    adult = Item.objects.exclude(suitable_from=Audience.CHILD).order_by("id")[0].pk
    is_refusal(post(signed_in(world, "kim"), "feed", {"surface": "related", "item": adult}), 404)
    assert not ServeRecord.objects.exists()


def test_a_chosen_order_holds_for_the_next_slate(world: World) -> None:
    client = signed_in(world, "alex")
    body = {"surface": "home", "feed_mode": "newest"}
    response = client.put("/api/v1/feed/mode", body, content_type="application/json")
    assert response.json()["feed_mode"] == "newest"
    assert feed(client)["feed_mode"] == "newest"
    assert feed(signed_in(world, "gale"))["feed_mode"] == "popular"  # another person's order is untouched


def test_an_order_that_is_not_offered_is_refused_with_rule_and_law(world: World) -> None:
    body = {"surface": "home", "feed_mode": "personalised"}
    response = signed_in(world, "kim").put("/api/v1/feed/mode", body, content_type="application/json")
    assert "baseline.child" in is_refusal(response, 409)["message"]
    assert not FeedChoice.objects.exists()


def test_events_are_stored_whole_and_a_retry_adds_nothing(world: World) -> None:
    client = signed_in(world, "alex")
    slate = feed(client)
    events = [an_event(place["id"], surface="home", serve_id=slate["serve_id"]) for place in slate["items"][:2]] + [
        an_event(slate["items"][2]["id"], action="dwell", dwell_ms=1500)
    ]
    before = Event.objects.count()
    first, second = (post(client, "events", {"events": events}) for _ in range(2))
    assert (first.status_code, first.json()) == (201, {"accepted": 3, "new": 3})
    assert second.json() == {"accepted": 3, "new": 0}
    assert Event.objects.count() == before + 3


def test_the_next_slate_sees_an_event(world: World) -> None:
    client = signed_in(world, "alex")
    liked = feed(client)["items"][0]["id"]
    post(client, "events", {"events": [an_event(liked)]})
    assert liked not in {item["id"] for item in feed(client)["items"]}


def test_not_interested_hides_the_item(world: World) -> None:
    client = signed_in(world, "alex")
    item = feed(client)["items"][0]["id"]
    post(client, "events", {"events": [an_event(item, action="not_interested")]})
    assert HiddenItem.objects.get(subject=world.subject("alex")).item_id == item


@pytest.mark.parametrize(
    "changes",
    [
        {"item": 987654321},
        {"serve_id": str(uuid.uuid4())},
        {"action": "dwell"},
        {"dwell_ms": 5},
        {"occurred_at": (timezone.now() + timedelta(days=1)).isoformat()},
        {"occurred_at": "2026-01-01T10:00:00"},
    ],
)
def test_one_wrong_event_refuses_the_whole_batch(world: World, changes: dict[str, Any]) -> None:
    client = signed_in(world, "alex")
    good = [an_event(item.pk) for item in Item.objects.order_by("id")[:3]]
    before = Event.objects.count()
    response = post(client, "events", {"events": [*good, {**good[0], "id": str(uuid.uuid4()), **changes}]})
    assert response.status_code in {400, 422}
    is_refusal(response, response.status_code)
    assert Event.objects.count() == before
    assert not HiddenItem.objects.exists()


def test_a_slate_of_somebody_else_cannot_be_named_in_an_event(world: World) -> None:
    foreign = feed(signed_in(world, "gale"))
    event = an_event(foreign["items"][0]["id"], serve_id=foreign["serve_id"])
    refusal = is_refusal(post(signed_in(world, "alex"), "events", {"events": [event]}), 422)
    assert refusal["extra"] == {"unknown_serves": [foreign["serve_id"]]}


def test_an_event_names_a_place_that_its_slate_had(world: World) -> None:
    client = signed_in(world, "alex")
    slate = feed(client)
    held = [place["id"] for place in slate["items"]]
    other = Item.objects.exclude(id__in=held).order_by("id")[0].pk
    good = an_event(held[0], serve_id=slate["serve_id"])
    elsewhere = an_event(other, serve_id=slate["serve_id"])
    misplaced = an_event(held[1], serve_id=slate["serve_id"], surface="related")
    refusal = is_refusal(post(client, "events", {"events": [good, elsewhere, misplaced]}), 422)
    assert refusal["extra"] == {"misplaced_events": [elsewhere["id"], misplaced["id"]]}
    assert not Event.objects.filter(serve_id=slate["serve_id"]).exists()
    assert post(client, "events", {"events": [good]}).status_code == 201


def test_a_clock_that_is_a_little_fast_writes_no_future(world: World) -> None:
    client = signed_in(world, "alex")
    item = feed(client)["items"][0]["id"]
    ahead = (timezone.now() + timedelta(minutes=4)).isoformat()
    assert post(client, "events", {"events": [an_event(item, occurred_at=ahead)]}).status_code == 201
    assert not Event.objects.filter(occurred_at__gt=timezone.now()).exists()


def test_an_event_about_an_item_that_the_tier_does_not_allow_is_refused(world: World) -> None:
    adult = Item.objects.exclude(suitable_from=Audience.CHILD).order_by("id")[0].pk
    refusal = is_refusal(post(signed_in(world, "kim"), "events", {"events": [an_event(adult)]}), 422)
    assert refusal["extra"] == {"unknown_items": [str(adult)]}


@pytest.mark.parametrize(
    ("name", "status"),
    [("alex", 200), ("greg", 403), ("gale", 404), ("kim", 404), ("rhea", 404), ("ada", 404)],
)
def test_a_record_is_for_its_owner_and_a_regulator_is_sent_to_the_audit_api(
    world: World, name: str, status: int
) -> None:
    serve_id = feed(signed_in(world, "alex"))["serve_id"]
    response = signed_in(world, name).get(f"/api/v1/serves/{serve_id}")
    assert response.status_code == status
    if status == 200:
        assert response.json()["id"] == serve_id
    else:
        is_refusal(response, status)


def test_an_expired_sign_in_is_401_with_a_sentence(world: World) -> None:
    client = signed_in(world, "alex")
    client.session.flush()
    assert "sign-in has expired" in is_refusal(post(client, "feed", {"surface": "home"}), 401)["message"]
    assert "Session" in post(client, "feed", {"surface": "home"})["WWW-Authenticate"]
    is_refusal(client.get(f"/api/v1/serves/{uuid.uuid4()}"), 401)


def test_a_write_without_its_csrf_token_is_refused_in_the_one_shape(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.user("alex"))
    refusal = is_refusal(post(client, "feed", {"surface": "home"}), 403)
    assert "X-CSRFToken" in refusal["message"]
    assert not ServeRecord.objects.exists()


def test_too_many_requests_are_told_when_to_come_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from rest_framework.throttling import ScopedRateThrottle

    monkeypatch.setattr(ScopedRateThrottle, "THROTTLE_RATES", {"feed": "1/min", "events": "1/min"})
    client = signed_in(world, "alex")
    feed(client)
    response = post(client, "feed", {"surface": "home"})
    is_refusal(response, 429)
    assert 1 <= int(response["Retry-After"]) <= 60


def test_what_nobody_foresaw_is_a_500_in_the_one_shape(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from host.dashboard import api

    def broken(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(api, "serve", broken)
    client = signed_in(world, "alex")
    client.raise_request_exception = False
    is_refusal(post(client, "feed", {"surface": "home"}), 500)


def test_an_unknown_address_under_the_api_is_answered_in_json(world: World) -> None:
    is_refusal(Client().get("/api/v1/nothing/here"), 404)
    is_refusal(Client().get("/api/"), 404)
    is_refusal(Client().get("/api/v1/serves/not-a-uuid"), 404)
