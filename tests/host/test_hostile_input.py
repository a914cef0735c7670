"""Malformed requests: each is refused with a 4xx and a sentence, and nothing is stored, lost or half-written."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from compliance.audit.models import Blob, ServeKey, ServeRecord
from compliance.subjects.models import Consent, FeedChoice, HiddenItem
from host.api.front import readable
from host.outbox.models import OutboxEntry
from ranking.catalogue.models import Event, Item
from tests.conftest import World
from tests.host.hostile import EVENTS, FEED, GOOD_FEED, GOOD_MODE, JSON, MODE, Hostile, good_event, requests
from tests.host.hostile_random import strewn, throttle_keys

STORED = (ServeRecord, ServeKey, Blob, Event, HiddenItem, FeedChoice, Consent, OutboxEntry)
RANDOM = 1400  # with the table, a fifth of what bench/hostile.py sends


class Fronted(Client):
    """A client whose requests pass the front of the WSGI application, as all do."""

    def _base_environ(self, **request: Any) -> dict[str, Any]:
        return readable(super()._base_environ(**request))  # type: ignore[misc]


@pytest.fixture
def client() -> Client:
    return Fronted(raise_request_exception=False)


def counts() -> dict[str, int]:
    """Count everything a request could have written."""
    return {model.__name__: model.objects.count() for model in STORED}


def complaint(client: Client, request: Hostile) -> str:
    """Send a request; return what is wrong with the answer, or nothing."""
    sender = client
    if request.cookie is not None:
        sender = Fronted(raise_request_exception=False)
        sender.cookies["sessionid"] = request.cookie
    response = sender.generic(
        request.method, request.path, request.body, content_type=request.content_type, headers=request.headers
    )
    status = response.status_code
    if status >= 500 or (request.expected and status not in request.expected):
        return f"{request.name}: {status}, not {sorted(request.expected)}: {response.content[:200]!r}"
    if response["Content-Type"] != JSON:
        return f"{request.name}: answered {status} as {response['Content-Type']}"
    if status < 400 or request.method == "HEAD":
        return ""
    body = response.json()
    if set(body) != {"message", "extra"} or not body["message"].endswith(".") or len(body["message"].split()) < 5:
        return f"{request.name}: no sentence: {body}"
    return ""


def test_every_malformed_request_is_refused_in_words_and_stores_nothing(world: World, client: Client) -> None:
    client.force_login(world.user("alex"))
    item = Item.objects.order_by("id")[0].pk
    hostile = list(requests(item))
    assert len(hostile) >= 200
    before = counts()
    complaints = [said for request in hostile if (said := complaint(client, request))]
    assert complaints == [], f"{len(complaints)} of {len(hostile)}"
    assert counts() == before


def test_hostile_requests_at_random_break_nothing_and_hold_nothing_up(world: World, client: Client) -> None:
    user = world.user("alex")
    client.force_login(user)
    item = Item.objects.order_by("id")[0].pk
    complaints, slowest = [], 0.0
    for number, request in enumerate(strewn(item, seed=20_261_122, count=RANDOM)):
        if number % 200 == 0:
            cache.delete_many(throttle_keys(user.pk))  # else most would be refused for their number
        started = time.perf_counter()
        complaints.append(complaint(client, request))
        slowest = max(slowest, time.perf_counter() - started)
    assert [said for said in complaints if said] == []
    assert slowest < 2


def test_the_same_requests_made_right_are_accepted(world: World, client: Client) -> None:
    """The self-check of the table: what it changes is what makes a request wrong."""
    client.force_login(world.user("alex"))
    item = Item.objects.order_by("id")[0].pk
    answers = [
        client.post(FEED, GOOD_FEED, content_type=JSON),
        client.post(FEED, {"surface": "related", "item": item}, content_type='application/json; charset="UTF-8"'),
        client.put(MODE, GOOD_MODE, content_type=JSON),
        client.post(EVENTS, {"events": [good_event(item) for _ in range(100)]}, content_type=JSON),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 201]
