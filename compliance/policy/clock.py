"""A moment in a person's time zone, as the finite facts that rules may read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from compliance.policy.vocabulary import HOURS

ENDS: Final = tuple(int(band[3:]) for band in HOURS)
SCHOOL_MONTHS: Final = (9, 10, 11, 12, 1, 2, 3, 4, 5)
"""September to May (Cal. Health & Safety Code § 27002)."""
SATURDAY: Final = 5


@dataclass(frozen=True, kw_only=True)
class LocalTime:
    """Day, band of hours and kind of day, where the person is."""

    day: date
    hours: str
    school_day: bool


def local_time(now: datetime, timezone: str) -> LocalTime:
    """Cut a moment at the rules' boundaries. An unknown time zone is read as UTC.

    The wall clock decides: an hour that daylight saving repeats lies in the band that it shows both times.
    """
    local = now.astimezone(_zone(timezone))
    weekday = local.weekday() < SATURDAY
    return LocalTime(
        day=local.date(),
        hours=HOURS[next(place for place, end in enumerate(ENDS) if local.hour < end)],
        school_day=weekday and local.month in SCHOOL_MONTHS,
    )


@lru_cache(maxsize=512)
def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
