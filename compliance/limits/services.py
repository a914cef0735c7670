"""Writes of served time: one statement in the transaction of the serve record, so that neither is there without it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import psycopg
from django.db import connection
from django.db.models import Case, F, Value, When
from django.db.models.functions import Coalesce

from compliance.limits.models import PushSent, UsageDay
from compliance.limits.selectors import REACH
from compliance.limits.usage import INTERVAL
from compliance.policy.clock import latest_night, local_day
from compliance.subjects.models import Subject

SESSION_GAP: Final = timedelta(minutes=15)
"""A pause that ends a session where no rule says how long a break is."""
KEPT: Final = timedelta(days=35)
"""How long days of a person are kept: effects of longer spans are counted over tiers (`limits.effects`)."""

# Intervals are cut at five minutes, and a clock that runs behind another process's adds nothing. `held` is the day's
# row as it is when the statement has its lock, so that lists served at the same time add up to their union.
_GAINED: Final = "least(greatest(%(now)s - {row}.last_served_at, interval '0'), %(interval)s)"
_AT_NIGHT: Final = (
    "greatest(least(%(now)s, {row}.last_served_at + %(interval)s, %(night_ends)s)"
    " - greatest({row}.last_served_at, %(night_begins)s{floor}), interval '0')"
)
_OPENED: Final = "CASE WHEN %(now)s - {row}.last_served_at <= %(interval)s THEN 0 ELSE 1 END"
# A pause begins when the last list's interval ends: the minutes that count as use are no rest as well.
_PAUSED: Final = "%(now)s - {row}.last_served_at >= %(interval)s + %(pause)s"
_COUNT: Final = f"""
INSERT INTO limits_usageday AS held (
    subject_id, day, begins, ends, served, night, opens, last_served_at,
    session_started_at, session_served, breaks_due, breaks_dismissed, break_met_at
)
SELECT
    %(subject)s, %(day)s, %(begins)s, %(ends)s,
    greatest(least(%(now)s, last.last_served_at + %(interval)s)
        - greatest(last.last_served_at, %(begins)s), interval '0'),
    {_AT_NIGHT.format(row="last", floor=", %(begins)s")},
    {_OPENED.format(row="last")},
    %(now)s,
    CASE WHEN {_PAUSED.format(row="last")} THEN %(now)s ELSE last.session_started_at END,
    CASE WHEN {_PAUSED.format(row="last")} THEN interval '0'
        ELSE last.session_served + {_GAINED.format(row="last")} END,
    0, 0,
    CASE WHEN {_PAUSED.format(row="last")} THEN NULL ELSE last.break_met_at END
FROM (
    (SELECT last_served_at, session_started_at, session_served, break_met_at FROM limits_usageday
     WHERE subject_id = %(subject)s ORDER BY last_served_at DESC LIMIT 1)
    UNION ALL SELECT %(long_ago)s, %(long_ago)s, interval '0', NULL
    ORDER BY last_served_at DESC LIMIT 1
) AS last
ON CONFLICT (subject_id, day) DO UPDATE SET
    begins = least(held.begins, excluded.begins),
    ends = greatest(held.ends, excluded.ends),
    served = held.served + {_GAINED.format(row="held")},
    night = held.night + {_AT_NIGHT.format(row="held", floor="")},
    opens = held.opens + {_OPENED.format(row="held")},
    last_served_at = greatest(held.last_served_at, %(now)s),
    session_started_at = CASE WHEN {_PAUSED.format(row="held")} THEN %(now)s ELSE held.session_started_at END,
    session_served = CASE WHEN {_PAUSED.format(row="held")} THEN interval '0'
        ELSE held.session_served + {_GAINED.format(row="held")} END,
    break_met_at = CASE WHEN {_PAUSED.format(row="held")} THEN NULL ELSE held.break_met_at END
"""  # noqa: S608 - put together from the constants above; every value is bound


def count_serve(*, subject: Subject, now: datetime, break_minutes: int) -> None:
    """Add a list that is being served to the person's day. Call it in the transaction of its record.

    `break_minutes` is how long a pause must be to end a session; 0 where no rule says.
    """
    today = local_day(now, subject.timezone)
    night_begins, night_ends = latest_night(now, subject.timezone)
    values = {
        "subject": subject.id,
        "day": today.day,
        "begins": today.begins,
        "ends": today.ends,
        "now": now,
        "long_ago": now - REACH,
        "interval": INTERVAL,
        "pause": timedelta(minutes=break_minutes) if break_minutes else SESSION_GAP,
        "night_begins": night_begins,
        "night_ends": night_ends,
    }
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(_COUNT, values, prepare=True)


def count_break(*, subject: Subject, now: datetime) -> None:
    """Note that a break refused a list: the first time it was due, every further time somebody went on asking (M6)."""
    last = UsageDay.objects.filter(subject=subject).order_by("-last_served_at").values("pk")[:1]
    first = When(break_met_at__isnull=True, then=Value(1))
    again = When(break_met_at__isnull=False, then=Value(1))
    UsageDay.objects.filter(pk__in=last).update(
        breaks_due=F("breaks_due") + Case(first, default=Value(0)),
        breaks_dismissed=F("breaks_dismissed") + Case(again, default=Value(0)),
        break_met_at=Coalesce("break_met_at", Value(now)),
    )


def forget_old(*, now: datetime) -> int:
    """Delete days and pushes that no limit reads any more; return how many rows went."""
    before = now - KEPT
    days, _ = UsageDay.objects.filter(last_served_at__lt=before).delete()
    pushes, _ = PushSent.objects.filter(sent_at__lt=before).delete()
    return days + pushes
