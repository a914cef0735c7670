"""How long somebody was served today, at any moment: the union of their lists' intervals, each up to five minutes.

A list's interval runs from when it was served until the next list, five minutes, or the end of the local day. Stored
days hold every interval but the last, which still runs: it is added here. Days that overlap, because the person's time
zone changed between them, count together, so that no change of time zone opens a second day early.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from compliance.policy.clock import LocalDay
from compliance.policy.types import Usage

INTERVAL: Final = timedelta(minutes=5)
"""The longest that one list counts."""
NONE: Final = timedelta()
MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class ServedDay:
    """A stored day of a person, as far as limits need it."""

    begins: datetime
    ends: datetime
    served: timedelta
    last_served_at: datetime
    session_served: timedelta


def usage_at(days: tuple[ServedDay, ...], now: datetime, today: LocalDay, *, asleep: bool = False) -> Usage:
    """What the router is told at a moment. `days` are in the order in which they were last served."""
    if not days:
        return Usage(asleep=asleep)
    last = days[-1]
    return Usage(
        day_minutes=_day_served(days, now, today) // MINUTE,
        session_minutes=(last.session_served + _running(last, now)) // MINUTE,
        break_minutes=max(now - last.last_served_at - INTERVAL, NONE) // MINUTE,
        asleep=asleep,
    )


def _day_served(days: tuple[ServedDay, ...], now: datetime, today: LocalDay) -> timedelta:
    total = NONE
    followers = (*(day.begins for day in days[1:]), now)
    for day, follower in zip(days, followers, strict=True):
        ends = min(day.last_served_at + INTERVAL, now, follower)
        if day.begins < today.ends and day.ends > today.begins:
            total += day.served + max(min(ends, day.ends) - day.last_served_at, NONE)
        elif day is days[-1]:  # the last list before midnight, which runs into a day without one
            total += max(ends - max(day.last_served_at, today.begins), NONE)
    return total


def _running(day: ServedDay, now: datetime) -> timedelta:
    return max(min(now - day.last_served_at, INTERVAL), NONE)
