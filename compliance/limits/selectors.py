"""Reads of served days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import psycopg
from django.db import connection
from django.db.models import QuerySet

from compliance.limits.models import UsageDay
from compliance.limits.usage import INTERVAL, ServedDay
from compliance.policy.clock import latest_night
from compliance.subjects.models import Subject

REACH: Final = timedelta(days=3)
"""Stored days that ended longer ago cannot overlap today in any time zone."""
_DAYS: Final = """
SELECT begins, ends, served, last_served_at, session_served FROM limits_usageday
WHERE subject_id = %(subject)s AND last_served_at > %(since)s ORDER BY last_served_at
"""


def served_days(subject: Subject, now: datetime) -> tuple[ServedDay, ...]:
    """The stored days that may still count, the latest last."""
    connection.ensure_connection()
    # Read for every list of a person who has a limit: prepared, as their declarations are.
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(_DAYS, {"subject": subject.id, "since": now - REACH}, prepare=True)
        rows = cursor.fetchall()
    return tuple(
        ServedDay(begins=begins, ends=ends, served=served, last_served_at=last, session_served=session)
        for begins, ends, served, last, session in rows
    )


@dataclass(frozen=True, kw_only=True)
class DayTotal:
    """One day of a person, the last list's own interval included."""

    day: date
    served: timedelta
    night: timedelta


def day_totals(subject: Subject, *, most: int, now: datetime) -> tuple[DayTotal, ...]:
    """The latest days, newest first, as they stand at a moment."""
    return tuple(_total(row, now) for row in _latest(subject, most))


def _latest(subject: Subject, most: int) -> QuerySet[UsageDay]:
    return UsageDay.objects.filter(subject=subject).select_related("subject").order_by("-day")[:most]


def _total(row: UsageDay, now: datetime) -> DayTotal:
    ends = max(min(row.last_served_at + INTERVAL, row.ends, now), row.last_served_at)
    night_begins, night_ends = latest_night(ends, row.subject.timezone)
    at_night = min(ends, night_ends) - max(row.last_served_at, night_begins)
    return DayTotal(
        day=row.day,
        served=row.served + (ends - row.last_served_at),
        night=row.night + max(at_night, timedelta()),
    )
