"""Served time by arithmetic alone: intervals, days of 23 and 25 hours, and travel across time zones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from compliance.limits.usage import ServedDay, usage_at
from compliance.policy.clock import latest_night, local_day, local_time, within

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def served(zone: str, last: datetime, minutes: int, session: int = 0) -> ServedDay:
    day = local_day(last, zone)
    return ServedDay(
        begins=day.begins,
        ends=day.ends,
        served=timedelta(minutes=minutes),
        last_served_at=last,
        session_served=timedelta(minutes=session),
    )


def minutes(days: tuple[ServedDay, ...], now: datetime, zone: str = "UTC") -> int:
    return usage_at(days, now, local_day(now, zone)).day_minutes


def test_nobody_who_was_never_served_has_used_anything() -> None:
    assert minutes((), NOON) == 0


@pytest.mark.parametrize(("later", "used"), [(0, 10), (3, 13), (5, 15), (6, 15), (600, 15)])
def test_the_list_that_still_runs_counts_up_to_five_minutes(later: int, used: int) -> None:
    assert minutes((served("UTC", NOON, 10),), NOON + timedelta(minutes=later)) == used


def test_a_clock_that_runs_behind_takes_nothing_away() -> None:
    assert minutes((served("UTC", NOON, 10),), NOON - timedelta(minutes=2)) == 10


def test_a_new_day_starts_with_what_runs_over_midnight_and_no_more() -> None:
    before = served("UTC", datetime(2026, 11, 20, 23, 57, tzinfo=UTC), 59)
    assert minutes((before,), datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC)) == 61
    assert minutes((before,), datetime(2026, 11, 21, 0, 1, tzinfo=UTC)) == 1
    assert minutes((before,), datetime(2026, 11, 21, 9, 0, tzinfo=UTC)) == 2


@pytest.mark.parametrize(
    ("moment", "zone", "hours"),
    [
        (datetime(2026, 3, 29, 12, tzinfo=UTC), "Europe/Berlin", 23),
        (datetime(2026, 10, 25, 12, tzinfo=UTC), "Europe/Berlin", 25),
        (datetime(2026, 3, 8, 18, tzinfo=UTC), "America/Los_Angeles", 23),
        (datetime(2026, 11, 1, 18, tzinfo=UTC), "America/Los_Angeles", 25),
        (datetime(2028, 2, 29, 12, tzinfo=UTC), "Europe/Berlin", 24),
        (datetime(2026, 4, 24, 12, tzinfo=UTC), "Africa/Cairo", 23),  # its midnight does not exist
        (datetime(2026, 4, 5, 1, tzinfo=UTC), "Australia/Lord_Howe", 24.5),
    ],
)
def test_a_day_lasts_as_long_as_its_clocks_say(moment: datetime, zone: str, hours: float) -> None:
    today = local_day(moment, zone)
    assert today.begins <= moment < today.ends
    assert today.ends - today.begins == timedelta(hours=hours)
    assert local_day(today.ends, zone).begins == today.ends
    assert local_day(today.begins - timedelta(microseconds=1), zone).ends == today.begins


def test_minutes_of_the_hour_that_repeats_count_in_one_day() -> None:
    last = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30 in Berlin, for the first time
    again = last + timedelta(hours=1)  # 02:30 again
    assert minutes((served("Europe/Berlin", last, 55),), again, "Europe/Berlin") == 60
    assert local_time(last, "Europe/Berlin").hour == local_time(again, "Europe/Berlin").hour == 2


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Asia/Tokyo", "UTC", "America/New_York", "Pacific/Pago_Pago"])
def test_another_time_zone_opens_no_second_day_while_the_first_one_lasts(zone: str) -> None:
    at_home = served("Europe/Berlin", NOON, 60)
    for hours in range(1, 72):
        later = NOON + timedelta(hours=hours)
        overlaps = local_day(later, zone).begins < at_home.ends
        assert (minutes((at_home,), later, zone) >= 60) == overlaps


def test_minutes_of_before_and_after_a_change_of_time_zone_add_up_once() -> None:
    before = served("Europe/Berlin", NOON, 20)
    after = served("America/New_York", NOON + timedelta(minutes=3), 7)  # what ran on counts there
    assert minutes((before, after), NOON + timedelta(minutes=4), "America/New_York") == 28


@pytest.mark.parametrize(("hour", "days_ago"), [(12, 1), (23, 0), (29, 0)])
def test_the_latest_night_is_the_one_that_began(hour: int, days_ago: int) -> None:
    midnight = datetime(2026, 11, 20, tzinfo=UTC)
    begins = midnight + timedelta(hours=22, days=-days_ago)
    assert latest_night(midnight + timedelta(hours=hour), "UTC") == (begins, begins + timedelta(hours=8))


def test_the_night_of_a_spring_change_is_an_hour_shorter() -> None:
    begins, ends = latest_night(datetime(2026, 3, 29, 12, tzinfo=UTC), "Europe/Berlin")
    assert ends - begins == timedelta(hours=7)


@pytest.mark.parametrize(("hour", "inside"), [(21, False), (22, True), (0, True), (6, True), (7, False)])
def test_a_window_of_hours_may_pass_midnight(hour: int, inside: bool) -> None:
    assert within(hour, (22, 7)) is inside
