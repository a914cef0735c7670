"""The API of controls: everything in one document, strict, idempotent, for its owner alone."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from compliance.subjects.models import Control
from ranking.catalogue.models import Creator, Follow
from tests.conftest import World
from tests.host.test_api_feed import feed, is_refusal, post, signed_in


def put(client: Client, kind: str, target: str, value: str) -> Any:
    body = {"kind": kind, "target": target, "value": value}
    return client.put("/api/v1/controls", body, content_type="application/json")


def read(client: Client) -> Any:
    return client.get("/api/v1/controls").json()


def test_everything_that_is_set_is_read_back_and_taken_back(world: World) -> None:
    client = signed_in(world, "alex")
    creator = Creator.objects.create(service=world.service, external_id="c", name="C")
    item = feed(client)["items"][0]["id"]
    start = read(client)
    changes = (
        ("feed_mode", "home", "newest"),
        ("topic", "Drama", "mute"),
        ("creator", str(creator.pk), "less"),
        ("keyword", "Cup", "mute"),
        ("signal", "likes", "off"),
        ("objective", "shorter", "2"),
        ("pause", "", "on"),
        ("follow_topic", "Comedy", "on"),
        ("follow_creator", str(creator.pk), "close"),
        ("hidden_item", str(item), "on"),
    )
    for change in changes:
        for _ in range(2):
            assert put(client, *change).status_code == 200, change
    held = read(client)
    assert {(one["kind"], one["target"], one["value"]) for one in held["controls"]} == {
        ("topic", "Drama", "mute"), ("creator", str(creator.pk), "less"), ("keyword", "cup", "mute"),
        ("signal", "likes", "off"), ("objective", "shorter", "2"), ("pause", "", "on"),
    }  # fmt: skip
    assert held["follows"] == [
        {"topic": "Comedy", "creator": None, "name": "", "close": False},
        {"topic": "", "creator": creator.pk, "name": "C", "close": True},
    ]
    assert held["hidden_items"] == [item]
    assert held["orders"][0] == {"surface": "home", "feed_mode": "newest"}
    for kind, target, _ in changes[1:]:
        for _ in range(2):
            assert put(client, kind, target, "").status_code == 200
    assert put(client, "feed_mode", "home", "personalised").status_code == 200
    assert {**read(client), "orders": []} == {**start, "orders": []}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"kind": "topic", "target": "Drama"}, 400),
        ({"kind": "topic", "target": "Drama", "value": "mute", "extra": 1}, 400),
        ({"kind": "limit", "target": "daily_minutes", "value": "9"}, 400),
        ({"kind": "topic", "target": "x" * 61, "value": "mute"}, 400),
        ({"kind": "topic", "target": "No such topic", "value": "mute"}, 422),
        ({"kind": "signal", "target": "device", "value": "off"}, 422),
        ({"kind": "feed_mode", "target": "search", "value": "newest"}, 422),
        ({"kind": "feed_mode", "target": "home", "value": "loudest"}, 409),
        ({"kind": "follow_creator", "target": "9" * 40, "value": "on"}, 422),
        ({"kind": "hidden_item", "target": "999999999", "value": "on"}, 422),
        ({"kind": "pause", "target": "", "value": "off"}, 422),
    ],
)
def test_what_cannot_be_followed_is_refused_whole(world: World, body: dict[str, Any], status: int) -> None:
    client = signed_in(world, "alex")
    is_refusal(client.put("/api/v1/controls", body, content_type="application/json"), status)
    assert not Control.objects.exists()
    assert not Follow.objects.filter(subject_id=world.subject("alex").id).exists()


def test_a_control_acts_on_the_very_next_list(world: World) -> None:
    client = signed_in(world, "alex")
    topic = feed(client)["items"][0]["topics"][0]
    put(client, "topic", topic, "mute")
    assert not [item for item in feed(client)["items"] if topic in item["topics"]]


def test_starting_again_begins_an_epoch_that_knows_nothing(world: World) -> None:
    client = signed_in(world, "alex")
    serve = feed(client)["serve_id"]
    before = read(client)["epoch"]
    put(client, "topic", "Drama", "mute")
    held = post(client, "controls/start-again", {"also_declared": True}).json()
    assert (held["epoch"], held["controls"]) == (before + 1, [])
    assert held["history_since"] is not None
    is_refusal(client.get(f"/api/v1/serves/{serve}"), 404)
    is_refusal(post(client, "controls/start-again", {"also_declared": "perhaps"}), 400)


def test_each_reads_and_changes_their_own_and_outsiders_nothing(world: World) -> None:
    put(signed_in(world, "alex"), "topic", "Drama", "mute")
    assert read(signed_in(world, "gale"))["controls"] == []
    put(signed_in(world, "gale"), "topic", "Drama", "")
    assert Control.objects.get().subject == world.subject("alex")
    is_refusal(Client().get("/api/v1/controls"), 401)
    is_refusal(put(Client(), "topic", "Drama", ""), 401)
    is_refusal(post(Client(), "controls/start-again", {}), 401)
