"""A moment in a person's time zone: the finite facts that rules may read, and where days and nights begin and end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from compliance.policy.vocabulary import HOURS
from compliance.subjects.zones import is_zone

ENDS: Final = tuple(int(band[3:]) for band in HOURS)
SCHOOL_MONTHS: Final = (9, 10, 11, 12, 1, 2, 3, 4, 5)
"""September to May (Cal. Health & Safety Code § 27002)."""
SATURDAY: Final = 5
NIGHT: Final = (22, 6)
"""Core sleep hours (Commission guidelines of 14 July 2025 on minors; M3)."""
ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class LocalTime:
    """Day, band of hours and kind of day, where the person is."""

    day: date
    hour: int
    hours: str
    school_day: bool


@dataclass(frozen=True, kw_only=True)
class LocalDay:
    """A day where the person is, and the moments between which it lasts: 23, 24 or 25 hours apart."""

    day: date
    begins: datetime
    ends: datetime


def local_time(now: datetime, timezone: str) -> LocalTime:
    """Cut a moment at the rules' boundaries. An unknown time zone is read as UTC.

    The wall clock decides: an hour that daylight saving repeats lies in the band that it shows both times.
    """
    local = now.astimezone(zone_named(timezone))
    weekday = local.weekday() < SATURDAY
    return LocalTime(
        day=local.date(),
        hour=local.hour,
        hours=HOURS[next(place for place, end in enumerate(ENDS) if local.hour < end)],
        school_day=weekday and local.month in SCHOOL_MONTHS,
    )


def local_day(now: datetime, timezone: str) -> LocalDay:
    """The day that a moment lies in, where the person is."""
    day = now.astimezone(zone_named(timezone)).date()
    return LocalDay(day=day, begins=moment(day, 0, timezone), ends=moment(day + ONE_DAY, 0, timezone))


def latest_night(now: datetime, timezone: str) -> tuple[datetime, datetime]:
    """Begin and end of the last night that had begun by `now`."""
    day = now.astimezone(zone_named(timezone)).date()
    begins = moment(day, NIGHT[0], timezone)
    if begins > now:
        day -= ONE_DAY
        begins = moment(day, NIGHT[0], timezone)
    return begins, moment(day + ONE_DAY, NIGHT[1], timezone)


def moment(day: date, hour: int, timezone: str) -> datetime:
    """When the wall clock of a day passes an hour, in UTC: an hour that daylight saving skips is passed as it skips."""
    return datetime.combine(day, time(hour % 24), tzinfo=zone_named(timezone)).astimezone(UTC)


def within(hour: int, window: tuple[int, int]) -> bool:
    """Whether an hour of the wall clock lies in a window of hours, which may pass midnight: (22, 7)."""
    begins, ends = window
    return begins <= hour < ends if begins < ends else hour >= begins or hour < ends


@lru_cache(maxsize=512)
def zone_named(name: str) -> tzinfo:
    """The time zone of that name; UTC where there is none."""
    return ZoneInfo(name) if is_zone(name) else UTC
