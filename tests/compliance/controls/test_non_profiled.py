"""Lists that are not profiled: equal for equal declared inputs, whatever people did (DSA Art. 38, D38)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.utils import timezone

from compliance.subjects.services import choose_feed
from compliance.subjects.values import NON_PROFILED
from ranking.catalogue.models import Item
from ranking.catalogue.services import refresh_popularity
from tests.compliance.controls.made import adult, ids, in_mode, list_of, peopled
from tests.compliance.controls.pairs import Compared, Seen, compare, everything, pair
from tests.conftest import World

PAIRS = 5


def test_people_who_declared_the_same_get_the_same_lists_on_every_surface_in_every_order(world: World) -> None:
    peopled(world)
    people = [pair(service=world.service, number=number) for number in range(PAIRS)]
    refresh_popularity(service=world.service, now=timezone.now())
    compared = [compare(two, surface=surface, mode=mode) for two in people for surface, mode in everything()]
    assert len(compared) == PAIRS * 2 * 5
    assert [(one.surface, one.mode, one.fault) for one in compared if one.fault] == []


def test_the_comparison_itself_can_fail(world: World) -> None:
    """The same pairs, personalised, differ; and each kind of fault is named."""
    two = pair(service=world.service, number=1)
    profiled = compare(two, surface="home", mode="personalised")
    assert "differs" in profiled.fault
    seen = Seen(mode="newest", items=(1, 2), reads=("catalogue.items",), scored=False)
    fine = Compared(surface="home", mode="newest", one=seen, other=seen)
    assert fine.fault == ""
    assert "differs" in replace(fine, other=replace(seen, items=(2, 1))).fault
    assert "was read" in replace(fine, other=replace(seen, reads=("observed.likes",))).fault
    assert "scored" in replace(fine, one=replace(seen, scored=True)).fault
    assert "empty" in replace(fine, one=replace(seen, items=()), other=replace(seen, items=())).fault
    assert "served as" in replace(fine, one=replace(seen, mode="popular")).fault


def test_the_drawn_order_is_the_same_all_day_and_another_on_another_day(world: World) -> None:
    from compliance.serving.door import serve
    from compliance.serving.types import Context

    one, other = adult(world), adult(world)
    for person in (one, other):
        in_mode(person, "explore")
    days = [datetime(2026, 11, day, hour, tzinfo=UTC) for day, hour in ((3, 1), (3, 23), (4, 1))]
    lists = [
        ids(serve(subject=person, context=Context(surface="home", now=now))) for now in days for person in (one, other)
    ]
    assert lists[0] == lists[1] == lists[2] == lists[3]
    assert lists[4] == lists[5]
    assert lists[0] != lists[4]


@pytest.mark.parametrize("mode", NON_PROFILED)
def test_a_choice_holds_on_every_surface_after_signing_out_and_in_another_browser(world: World, mode: str) -> None:
    alex = world.subject("alex")
    choose_feed(subject=alex, surface="home", feed_mode=mode)
    anchor = Item.objects.order_by("id")[10].pk
    assert [list_of(alex).feed_mode, list_of(alex, anchor=anchor).feed_mode] == [mode, mode]
    for _ in range(2):  # two sessions of their own
        client = Client()
        client.force_login(world.user("alex"))
        served = client.post("/api/v1/feed", {"surface": "home"}, content_type="application/json").json()
        assert served["feed_mode"] == mode
