"""What everyone needs: declared by two people, on record, mixed in for everyone who may see it, and replayable."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from django.utils import timezone

from compliance.audit.keys.errors import OrderRefused
from compliance.audit.models import AuditEvent, ServeRecord
from compliance.audit.selectors import document_of
from compliance.policy.essential import EssentialRefused, declare_essential, end_essential
from compliance.serving.types import Slate
from compliance.subjects.services import choose_feed, hide_item
from ranking.catalogue.models import Creator, Essential, Follow, Item
from tests.compliance.replayed import named, replay
from tests.compliance.test_door import ids, serve_on
from tests.conftest import World


def item_for(audience: str) -> Item:
    """An item that is labelled for an audience."""
    return Item.objects.filter(suitable_from=audience).order_by("id")[0]


def declare(world: World, item: Item, **changes: Any) -> Essential:
    """Declare a safety notice for the next hour, changed."""
    now: datetime = changes.pop("now", timezone.now())
    plain: dict[str, Any] = {
        "service": world.service,
        "item_id": item.pk,
        "kind": "safety",
        "region": "",
        "starts_at": now - timedelta(minutes=1),
        "ends_at": now + timedelta(hours=1),
        "by": "an operator",
        "approved_by": "another operator",
        "why": "flood warning",
        "now": now,
    }
    return declare_essential(**{**plain, **changes})


def sources(slate: Slate) -> list[str]:
    return [item.source for item in slate.items]


@pytest.mark.parametrize("mode", ["personalised", "newest", "popular"])
def test_a_notice_stands_first_in_every_order_labelled_and_without_a_score(world: World, mode: str) -> None:
    alex, item = world.subject("alex"), item_for("child")
    choose_feed(subject=alex, surface="home", feed_mode=mode)
    declare(world, item)
    slate = serve_on(alex)
    assert (slate.items[0].item_id, slate.items[0].source) == (item.pk, "essential")
    assert (slate.items[0].scores, slate.items[0].blended, slate.items[0].explored) == (None, None, False)
    assert sources(slate).count("essential") == 1
    assert len(slate.items) == 12
    assert named(replay(ServeRecord.objects.get(id=slate.serve_id))) == ""


def test_a_second_notice_stands_at_its_own_place_and_a_third_has_none(world: World) -> None:
    now = timezone.now()
    news, old, safety = Item.objects.filter(suitable_from="child").order_by("id")[:3]
    declare(world, news, kind="breaking", starts_at=now - timedelta(minutes=2), now=now)
    declare(world, old, kind="breaking", starts_at=now - timedelta(minutes=9), now=now)
    declare(world, safety, now=now)
    slate = serve_on(world.subject("alex"))
    assert [ids(slate)[place] for place in (0, 5)] == [safety.pk, news.pk]
    assert sources(slate).count("essential") == 2
    document = document_of(ServeRecord.objects.get(id=slate.serve_id))
    assert document["output"]["certificate"]["size"] == 12


def test_a_list_that_a_notice_makes_full_does_not_say_that_it_is_short(world: World) -> None:
    alex, item = world.subject("alex"), item_for("child")
    creator = Creator.objects.create(service=world.service, external_id="eleven", name="Eleven items")
    Item.objects.filter(pk__in=Item.objects.exclude(pk=item.pk).order_by("id").values("id")[:11]).update(
        creator=creator, topics=[]
    )
    Follow.objects.filter(subject_id=alex.pk).delete()
    Follow.objects.create(subject_id=alex.pk, creator=creator)
    choose_feed(subject=alex, surface="home", feed_mode="following")
    assert "Only 11 items" in serve_on(alex).shortfall
    declare(world, item)
    slate = serve_on(alex)
    assert (len(slate.items), "Only" in slate.shortfall) == (12, False)


def test_exploration_never_takes_the_place_of_a_notice(world: World) -> None:
    declare(world, item_for("child"))
    for _ in range(30):
        slate = serve_on(world.subject("alex"))
        assert slate.items[0].source == "essential"
        assert slate.items[0].propensity == 1.0


def test_who_may_not_see_the_item_gets_no_notice(world: World) -> None:
    adult = item_for("adult")
    declare(world, adult)
    assert adult.pk not in ids(serve_on(world.subject("kim")))
    assert serve_on(world.subject("alex")).items[0].item_id == adult.pk
    hide_item(subject=world.subject("alex"), item_id=adult.pk)
    assert adult.pk not in ids(serve_on(world.subject("alex")))


def test_a_notice_of_another_region_or_time_is_not_mixed_in(world: World) -> None:
    now = timezone.now()
    here, there, early = Item.objects.filter(suitable_from="child").order_by("id")[:3]
    alex = world.subject("alex")
    declare(world, there, region="nowhere")
    declare(world, early, starts_at=now + timedelta(hours=1), ends_at=now + timedelta(hours=2))
    assert "essential" not in sources(serve_on(alex))
    declare(world, here, region=alex.region)
    assert sources(serve_on(alex)).count("essential") == 1


def test_ending_a_notice_takes_it_out_of_the_next_list_and_is_on_record(world: World) -> None:
    notice = declare(world, item_for("child"))
    assert "essential" in sources(serve_on(world.subject("alex")))
    end_essential(
        service=world.service,
        notice_id=notice.pk,
        by="another operator",
        approved_by="an operator",
        why="all clear",
        now=timezone.now(),
    )
    assert "essential" not in sources(serve_on(world.subject("alex")))
    said = [orjson.loads(bytes(event.body)) for event in AuditEvent.objects.filter(kind="essential").order_by("id")]
    assert [(one["act"], one["by"], one["approved_by"], one["why"]) for one in said] == [
        ("declared", "an operator", "another operator", "flood warning"),
        ("ended", "another operator", "an operator", "all clear"),
    ]
    assert {one["item_id"] for one in said} == {notice.item_id}


@pytest.mark.parametrize("second", ["", "An Operator ", "subject"])
def test_one_person_alone_declares_nothing(world: World, second: str) -> None:
    with pytest.raises(OrderRefused):
        declare(world, item_for("child"), approved_by=second)
    assert not Essential.objects.exists()
    assert not AuditEvent.objects.filter(kind="essential").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "advert"},
        {"ends_at": timezone.now() - timedelta(days=1)},
        {"ends_at": timezone.now() + timedelta(days=40)},
        {"kind": "breaking", "ends_at": timezone.now() + timedelta(days=3)},
        {"item_id": 0},
        {"service": "another"},
    ],
    ids=["kind", "over", "too long", "old news", "no item", "another service's item"],
)
def test_what_is_no_notice_is_refused(world: World, wrong: dict[str, object]) -> None:
    with pytest.raises(EssentialRefused):
        declare(world, item_for("child"), **wrong)
    assert not Essential.objects.exists()


def test_what_has_ended_is_not_ended_again(world: World) -> None:
    with pytest.raises(EssentialRefused, match="no notice"):
        end_essential(
            service=world.service, notice_id=1, by="one", approved_by="another", why="again", now=timezone.now()
        )
