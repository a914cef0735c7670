"""When a list that is closed now can be had again: the plan is asked at every moment at which its answer may change."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from compliance.limits.usage import INTERVAL
from compliance.policy.clock import ENDS, local_day, moment
from compliance.policy.controls import sleep_hours
from compliance.policy.facts import Planned, plan_at
from compliance.subjects.zones import ZONE_HOLDS, zones_of

DAYS: Final = 4
"""How far ahead an opening is looked for: a day that a change of time zone lengthened ends within it."""


def opens_at(planned: Planned, now: datetime) -> datetime | None:
    """The first moment after `now` at which a list would be served; None where none is in sight."""
    later = sorted({one for one in _moments(planned, now) if one > now})
    return next((one for one in later if not plan_at(planned.asking, one).plan.closed), None)


def _moments(planned: Planned, now: datetime) -> Iterable[datetime]:
    """The end of a break, of the rules' bands of hours, of own hours of sleep, of days, and of a second time zone."""
    asking = planned.asking
    if "break_due" in planned.plan.closed and asking.days:
        yield asking.days[-1].last_served_at + INTERVAL + timedelta(minutes=planned.plan.break_minutes)
    if asking.subject.timezone_since is not None:
        yield asking.subject.timezone_since + ZONE_HOLDS
    hours = {*ENDS, *(ends for _, ends in sleep_hours(asking.facts.controls))}
    for zone in zones_of(asking.subject, now):
        today = local_day(now, zone).day
        for ahead in range(DAYS):
            for hour in hours:
                yield moment(today + timedelta(days=ahead + hour // 24), hour, zone)
