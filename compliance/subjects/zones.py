"""The time zones whose clocks hold for a person: one, or two for a day after they declared another."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from compliance.subjects.models import Subject

ZONE_HOLDS: Final = timedelta(hours=24)
"""How long a declared time zone holds before another can take effect."""


def zones_of(subject: Subject, now: datetime) -> tuple[str, ...]:
    """The declared time zone, and for a day after a change also the one before: the stricter of their clocks counts."""
    before, since = subject.timezone_before, subject.timezone_since
    if since is None or not before or now >= since + ZONE_HOLDS:
        return (subject.timezone,)
    return subject.timezone, before


def is_zone(name: str) -> bool:
    """Whether there is a time zone of that name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
