"""Pushes: window, frequency and hours of sleep are the server's to keep."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from compliance.limits.models import PushSent
from compliance.limits.push import may_push, take_push
from compliance.subjects.models import Subject, Tier
from compliance.subjects.services import declare_timezone
from tests.compliance.limits.people import teen
from tests.conftest import World

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def take(subject: Subject, now: datetime) -> bool:
    return take_push(subject=subject, now=now).allowed


def test_minors_get_one_push_a_day_and_the_next_day_another(world: World) -> None:
    subject = teen(world)
    assert [take(subject, NOON + hours * HOUR) for hours in (0, 1, 5)] == [True, False, False]
    refused = may_push(subject, NOON + HOUR)
    assert "1 a day were sent already" in refused.reason
    assert "rule " in refused.reason
    assert take(subject, NOON + 24 * HOUR)
    assert PushSent.objects.filter(subject=subject).count() == 2


def test_asking_alone_counts_nothing(world: World) -> None:
    subject = teen(world)
    assert may_push(subject, NOON).allowed
    assert not PushSent.objects.exists()


@pytest.mark.parametrize(("hour", "allowed"), [(21, True), (22, False), (3, False), (5, False)])
@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Europe/Berlin"])
@pytest.mark.parametrize("day", [(2026, 3, 8), (2026, 3, 29), (2026, 10, 25), (2026, 11, 1), (2028, 2, 29)])
def test_nothing_is_pushed_to_minors_at_night_by_their_own_clock(
    world: World, day: tuple[int, int, int], zone: str, hour: int, allowed: bool
) -> None:
    from compliance.policy.clock import zone_named

    now = datetime(*day, hour, 30, tzinfo=zone_named(zone))
    assert may_push(teen(world, timezone=zone), now).allowed is allowed


def test_adults_may_be_pushed_at_night_up_to_five_times(world: World) -> None:
    adult, night = teen(world, tier=Tier.ADULT), NOON + 11 * HOUR
    assert [take(adult, night) for _ in range(6)] == [True] * 5 + [False]


def test_own_hours_of_sleep_hold_back_pushes(world: World) -> None:
    refused = may_push(teen(world, sleep="11-13"), NOON)
    assert not refused.allowed
    assert "sleep" in refused.reason


def test_a_change_of_time_zone_makes_no_night_a_day(world: World) -> None:
    subject, night = teen(world), NOON + 11 * HOUR
    declare_timezone(subject=subject, name="America/Los_Angeles", now=night)
    assert not may_push(subject, night + HOUR).allowed
    assert may_push(subject, night + 24 * HOUR).allowed


@pytest.mark.django_db(transaction=True)
def test_two_at_once_are_two(world: World) -> None:
    subject = teen(world)

    def ask(_: int) -> bool:
        try:
            return take(subject, NOON)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        assert sorted(threads.map(ask, range(6))) == [False] * 5 + [True]
