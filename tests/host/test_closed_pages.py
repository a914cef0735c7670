"""What people see, and programs get, while their lists are closed."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from compliance.limits.models import UsageDay
from compliance.policy.clock import local_day
from compliance.subjects.models import Control
from tests.conftest import World


def signed_in(world: World, name: str) -> Client:
    client = Client(REMOTE_ADDR="127.0.0.1")
    client.force_login(world.user(name))
    return client


@pytest.fixture
def asleep(world: World) -> World:
    """Kim's guardian wants nothing served all day."""
    subject = world.subject("kim")
    for value in ("00-12", "12-00"):
        Control.objects.create(subject=subject, kind="limit", target="sleep", value=value, by_guardian=value == "00-12")
    return world


@pytest.fixture
def one_minute(world: World) -> World:
    """Kim's day has one minute, which is used."""
    kim, now = world.subject("kim"), timezone.now()
    Control.objects.create(subject=kim, kind="limit", target="daily_minutes", value="1")
    today = local_day(now, kim.timezone)
    UsageDay.objects.create(
        subject=kim,
        day=today.day,
        begins=today.begins,
        ends=today.ends,
        served=timedelta(minutes=1),
        last_served_at=now,
        session_started_at=now,
    )
    return world


def ask(client: Client, body: dict[str, Any], **headers: str) -> Any:
    return client.post("/api/v1/feed", json.dumps(body), content_type="application/json", headers=headers)


def test_the_feed_is_a_calm_page_with_rule_and_hour(one_minute: World) -> None:
    answer = signed_in(one_minute, "kim").get("/")
    html = answer.content.decode()
    assert answer.status_code == 403
    assert "That was all for today" in html
    assert "rule control.limit" in html
    assert "Your lists are back" in html
    assert 'class="card"' not in html


def test_a_list_that_never_opens_promises_no_hour(asleep: World) -> None:
    html = signed_in(asleep, "kim").get("/").content.decode()
    assert "Time to sleep" in html
    assert "Your lists are back" not in html


def test_an_items_page_and_an_order_are_closed_too(one_minute: World) -> None:
    from ranking.catalogue.models import Item

    client, film = signed_in(one_minute, "kim"), Item.objects.filter(suitable_from="child").order_by("id")[0]
    page = client.get(f"/items/{film.pk}/")
    assert page.status_code == 403
    assert film.title not in page.content.decode()
    fragment = client.post("/order/", {"surface": "home", "feed_mode": "newest"}, headers={"HX-Request": "true"})
    assert fragment.status_code == 403
    assert "data-sentence" in fragment.content.decode()


def test_the_api_answers_403_with_the_rules_and_when_to_ask_again(one_minute: World) -> None:
    for headers in ({}, {"User-Agent": "a television"}, {"X-Device": "toy"}, {"Idempotency-Key": "fresh"}):
        answer = ask(signed_in(one_minute, "kim"), {"surface": "home"}, **headers)
        said = answer.json()
        assert answer.status_code == 403
        assert said["extra"]["code"] == "closed"
        assert said["extra"]["closed"] == ["day_used_up"]
        assert said["extra"]["rules"] == ["control.limit"]
        assert said["extra"]["opens_at"].endswith(":00:00Z")
        assert int(answer["Retry-After"]) == said["extra"]["retry_after"] > 0


def test_everybody_else_is_served(one_minute: World) -> None:
    assert signed_in(one_minute, "sam").get("/").status_code == 200


def test_the_api_says_how_a_client_must_behave(world: World) -> None:
    for name in ("kim", "alex"):
        said = ask(signed_in(world, name), {"surface": "home"}).json()
        assert {"no_autoplay", "no_infinite_scroll"} <= set(said["ui"])
