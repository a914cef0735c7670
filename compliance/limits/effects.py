"""What serving does to each tier: minutes, night minutes, opens and dismissed breaks, from the serve records (M6).

Minutes are counted as limits count them: a list's interval runs to the next list of the same person, five minutes at
most. Nights are read by the clock of the person's declared time zone, and by UTC where somebody began anew since.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from django.db import connection, transaction
from django.db.models import Sum

from compliance.limits.models import DayEffect, UsageDay

Z_95: Final = 1.96
_EFFECTS: Final = """
WITH served AS (
    SELECT pseudonym, tier, served_at,
        least(lead(served_at) OVER lists - served_at, interval '5 minutes') AS until_next,
        served_at - lag(served_at) OVER lists AS since_last
    FROM audit_serverecord
    WHERE service = %(service)s AND source = '' AND served_at >= %(begins)s AND served_at < %(ends)s
    WINDOW lists AS (PARTITION BY pseudonym ORDER BY served_at, id)
), person AS (
    SELECT served.pseudonym, served.tier,
        sum(extract(epoch FROM coalesce(until_next, interval '5 minutes'))) / 60 AS minutes,
        coalesce(sum(extract(epoch FROM coalesce(until_next, interval '5 minutes'))) FILTER (
            WHERE extract(hour FROM served_at AT TIME ZONE coalesce(zone.name, 'UTC')) NOT BETWEEN 6 AND 21
        ), 0) / 60 AS night_minutes,
        count(*) FILTER (WHERE since_last IS NULL OR since_last > interval '5 minutes') AS opens
    FROM served
    LEFT JOIN subjects_subject AS subject ON subject.pseudonym = served.pseudonym
    LEFT JOIN pg_timezone_names AS zone ON zone.name = subject.timezone
    GROUP BY served.pseudonym, served.tier
)
SELECT tier, count(*), avg(minutes), stddev_samp(minutes), avg(night_minutes), avg(opens)
FROM person GROUP BY tier ORDER BY tier
"""


@dataclass(frozen=True, kw_only=True)
class TierEffect:
    """One tier on one day: means of a person who was served at all, in minutes."""

    tier: str
    people: int
    minutes: float
    interval: tuple[float, float] | None  # 95 % of the mean; None where one person alone was served
    night_minutes: float
    opens: float
    breaks_due: int
    breaks_dismissed: int


def effects_of(*, service: str, day: date) -> tuple[TierEffect, ...]:
    """The effects of one day (UTC), tier by tier."""
    begins = datetime.combine(day, time(), tzinfo=UTC)
    with connection.cursor() as cursor:
        cursor.execute(_EFFECTS, {"service": service, "begins": begins, "ends": begins + timedelta(days=1)})
        rows = cursor.fetchall()
    return tuple(
        TierEffect(
            tier=tier,
            people=people,
            minutes=float(minutes),
            interval=_interval(float(minutes), spread, people),
            night_minutes=float(night),
            opens=float(opens),
            **_breaks(service, day, tier),
        )
        for tier, people, minutes, spread, night, opens in rows
    )


@transaction.atomic
def keep_effects(*, service: str, day: date) -> int:
    """Store a day's effects; doing it again replaces them. Return how many tiers were served."""
    found = effects_of(service=service, day=day)
    DayEffect.objects.filter(service=service, day=day).delete()
    DayEffect.objects.bulk_create(
        DayEffect(
            service=service,
            day=day,
            tier=one.tier,
            people=one.people,
            minutes=one.minutes,
            minutes_low=None if one.interval is None else one.interval[0],
            minutes_high=None if one.interval is None else one.interval[1],
            night_minutes=one.night_minutes,
            opens=one.opens,
            breaks_due=one.breaks_due,
            breaks_dismissed=one.breaks_dismissed,
        )
        for one in found
    )
    return len(found)


def _interval(mean: float, spread: float | None, people: int) -> tuple[float, float] | None:
    if spread is None:
        return None
    half = Z_95 * float(spread) / people**0.5
    return mean - half, mean + half


def _breaks(service: str, day: date, tier: str) -> dict[str, int]:
    days = UsageDay.objects.filter(subject__service=service, subject__tier=tier, day=day)
    sums = days.aggregate(due=Sum("breaks_due"), dismissed=Sum("breaks_dismissed"))
    return {"breaks_due": sums["due"] or 0, "breaks_dismissed": sums["dismissed"] or 0}
