"""Limits at the door: no client, surface, session or pseudonym gets around them, and nothing else is counted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from compliance.audit.models import ServeRecord
from compliance.limits.models import UsageDay
from compliance.serving.door import Closed
from compliance.subjects.models import Control, Subject, Tier
from compliance.subjects.services import ZoneRefused, begin_anew, declare_timezone
from ranking.catalogue.models import Item
from tests.compliance.limits.people import day_of, serve_at, teen
from tests.conftest import World

# Days of this month, so that the partitions of the tests' own database are there.
START = datetime.now(tz=UTC).replace(hour=10, minute=0, second=0, microsecond=0)
MINUTE = timedelta(minutes=1)


def use(subject: Subject, minutes: int, *, since: datetime = START) -> datetime:
    """Serve a list every four minutes until so many are used; return the moment then."""
    for minute in range(0, minutes, 4):
        serve_at(subject, since + minute * MINUTE)
    return since + minutes * MINUTE


def test_the_day_closes_when_its_minutes_are_used_and_says_until_when(world: World) -> None:
    subject = teen(world, daily_minutes=8)
    end = use(subject, 8)
    with pytest.raises(Closed) as closed:
        serve_at(subject, end)
    assert closed.value.closed == ("day_used_up",)
    assert [one.rule for one in closed.value.reasons] == ["control.limit"]
    assert closed.value.opens_at == (START + timedelta(days=1)).replace(hour=0)
    assert len(serve_at(subject, closed.value.opens_at).items) > 0


def test_a_second_before_the_limit_a_list_is_still_served(world: World) -> None:
    subject = teen(world, daily_minutes=8)
    assert serve_at(subject, use(subject, 8) - timedelta(seconds=1)).items


@pytest.mark.parametrize("way", ["related", "new pseudonym", "a fresh key", "fresh row"])
def test_no_way_round(world: World, way: str) -> None:
    subject = teen(world, daily_minutes=8)
    key = "first" if way == "a fresh key" else ""
    serve_at(subject, START, key=key)
    end = use(subject, 8, since=START)
    if way == "new pseudonym":
        begin_anew(subject=subject, why="asked for")
    if way == "fresh row":
        subject = Subject.objects.get(pk=subject.pk)
    anchor = Item.objects.filter(suitable_from="child").order_by("id")[0].pk if way == "related" else None
    with pytest.raises(Closed):
        serve_at(
            subject,
            end,
            surface="related" if anchor else "home",
            anchor=anchor,
            key="fresh" if way == "a fresh key" else key,
        )


def test_a_refused_list_leaves_neither_record_nor_minutes(world: World) -> None:
    subject = teen(world, daily_minutes=8)
    end = use(subject, 8)
    before = ServeRecord.objects.count(), day_of(subject).served
    with pytest.raises(Closed):
        serve_at(subject, end)
    assert (ServeRecord.objects.count(), day_of(subject).served) == before


def test_a_replayed_request_adds_nothing(world: World) -> None:
    subject = teen(world)
    serve_at(subject, START, key="abc")
    before = day_of(subject)
    assert serve_at(subject, START + 4 * MINUTE, key="abc").replayed
    after = day_of(subject)
    assert (after.served, after.opens, after.last_served_at) == (before.served, before.opens, before.last_served_at)


def test_adults_without_a_limit_are_not_counted_and_with_one_are(world: World) -> None:
    free, own = teen(world, tier=Tier.ADULT), teen(world, tier=Tier.ADULT)
    Control.objects.create(subject=own, kind="limit", target="daily_minutes", value="4")
    for subject in (free, own):
        serve_at(subject, START)
    assert not UsageDay.objects.filter(subject=free).exists()
    with pytest.raises(Closed):
        serve_at(own, START + 4 * MINUTE)


def test_a_guardians_limit_ends_with_childhood(world: World) -> None:
    subject = teen(world, daily_minutes=1)
    serve_at(subject, START)
    with pytest.raises(Closed):
        serve_at(subject, START + 2 * MINUTE)
    Subject.objects.filter(pk=subject.pk).update(tier=Tier.ADULT)
    assert serve_at(Subject.objects.get(pk=subject.pk), START + 2 * MINUTE).items


def test_the_stricter_of_a_childs_and_a_guardians_limit_holds(world: World) -> None:
    subject = teen(world, daily_minutes=4)
    Control.objects.create(subject=subject, kind="limit", target="daily_minutes", value="600")
    serve_at(subject, START)
    with pytest.raises(Closed):
        serve_at(subject, START + 4 * MINUTE)


def test_gaps_count_five_minutes_and_clocks_that_differ_add_up_to_the_union(world: World) -> None:
    subject = teen(world)
    for seconds in (0, 60, 30, 61, 1000, 990, 2000):  # two web processes, one of them behind
        serve_at(subject, START + timedelta(seconds=seconds))
    day = day_of(subject)
    assert day.served == timedelta(seconds=61 + 300 + 300)
    assert day.opens == 3
    assert day.last_served_at == START + timedelta(seconds=2000)


@pytest.mark.django_db(transaction=True)
def test_twenty_lists_at_once_count_once_and_at_the_limit_none_is_served(world: World) -> None:
    subject = teen(world, daily_minutes=5)
    serve_at(subject, START)

    def ask(now: datetime) -> bool:
        try:
            return bool(serve_at(subject, now).items)
        except Closed:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        assert all(threads.map(ask, [START + 4 * MINUTE] * 20))
        assert day_of(subject).served == 4 * MINUTE
        assert not any(threads.map(ask, [START + 5 * MINUTE] * 20))
    assert (day_of(subject).served, day_of(subject).opens) == (4 * MINUTE, 1)


def test_a_break_is_due_after_a_session_and_ends_when_it_was_taken(world: World) -> None:
    subject = teen(world, session_minutes=8)
    end = use(subject, 8)
    for asked in range(3):
        with pytest.raises(Closed) as closed:
            serve_at(subject, end + asked * MINUTE)
    assert closed.value.closed == ("break_due",)
    assert closed.value.opens_at == START + 19 * MINUTE  # ten minutes after the last list's interval
    with pytest.raises(Closed):
        serve_at(subject, closed.value.opens_at - timedelta(seconds=1))
    day = day_of(subject)
    assert (day.breaks_due, day.breaks_dismissed) == (1, 3)
    assert serve_at(subject, closed.value.opens_at).items
    assert serve_at(subject, closed.value.opens_at + 7 * MINUTE).items  # a new session
    assert day_of(subject).break_met_at is None


@pytest.mark.parametrize("since_the_last", [10, 14])
def test_a_list_whenever_a_break_would_be_over_avoids_no_break_in_eight_hours(
    world: World, since_the_last: int
) -> None:
    subject = teen(world, tier=Tier.ADULT)
    Control.objects.create(subject=subject, kind="limit", target="session_minutes", value="30")  # a break of ten
    refused = []
    for asked, minute in enumerate(range(0, 8 * 60, since_the_last)):
        try:
            serve_at(subject, START + minute * MINUTE)
        except Closed:
            refused.append(asked)
    # Six lists of five minutes each are a session, so the seventh is refused, time and again.
    assert refused == list(range(6, -(-8 * 60 // since_the_last), 7))


def test_a_session_goes_on_over_midnight(world: World) -> None:
    subject = teen(world, session_minutes=8)
    end = use(subject, 8, since=(START + timedelta(days=1)).replace(hour=0) - 4 * MINUTE)
    with pytest.raises(Closed):
        serve_at(subject, end)


def test_hours_of_sleep_close_every_list_by_the_clock_of_the_person(world: World) -> None:
    subject = teen(world, timezone="Asia/Tokyo", sleep="19-20")  # START is 19:00 there
    with pytest.raises(Closed) as closed:
        serve_at(subject, START + 30 * MINUTE)
    assert closed.value.closed == ("asleep",)
    assert closed.value.opens_at == START + 60 * MINUTE
    assert serve_at(subject, START - timedelta(seconds=1)).items
    assert serve_at(subject, closed.value.opens_at).items


def test_a_change_of_time_zone_moves_no_night(world: World) -> None:
    subject = teen(world, timezone="Asia/Tokyo", sleep="19-20")
    declare_timezone(subject=subject, name="Europe/Berlin", now=START - 10 * MINUTE)
    with pytest.raises(Closed) as closed:
        serve_at(subject, START + 30 * MINUTE)
    assert closed.value.closed == ("asleep",)
    assert closed.value.opens_at == START + 60 * MINUTE
    assert serve_at(subject, START + timedelta(hours=24, minutes=30)).items  # by then Berlin's clock holds alone


def test_a_change_of_time_zone_opens_no_second_day(world: World) -> None:
    subject = teen(world, timezone="Asia/Tokyo", daily_minutes=4)
    serve_at(subject, START)
    ends = day_of(subject).ends
    declare_timezone(subject=subject, name="Pacific/Kiritimati", now=START)  # where it is the next day already
    for minutes in range(10, 24 * 60, 95):
        with pytest.raises(Closed):
            serve_at(subject, START + minutes * MINUTE)
    assert START + timedelta(hours=23) > ends  # it would have been open in Tokyo, and Kiritimati's next day had begun


def test_a_time_zone_changes_once_in_24_hours_and_must_exist(world: World) -> None:
    subject = teen(world)
    declare_timezone(subject=subject, name="Europe/Berlin", now=START)
    with pytest.raises(ZoneRefused, match="once a day"):
        declare_timezone(subject=subject, name="Asia/Tokyo", now=START + timedelta(hours=23))
    with pytest.raises(ZoneRefused, match="no time zone"):
        declare_timezone(subject=subject, name="Mars/Olympus", now=START)
    declare_timezone(subject=subject, name="Asia/Tokyo", now=START + timedelta(hours=24))
    assert (subject.timezone, subject.timezone_before) == ("Asia/Tokyo", "Europe/Berlin")


def test_night_minutes_are_those_between_ten_and_six(world: World) -> None:
    subject, ten = teen(world), START.replace(hour=22)
    for minutes in (-4, -1, 3, 8):
        serve_at(subject, ten + minutes * MINUTE)
    assert (day_of(subject).served, day_of(subject).night) == (12 * MINUTE, 8 * MINUTE)
