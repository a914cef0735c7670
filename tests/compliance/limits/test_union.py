"""Stored minutes against a plain count of the union, second by second; written with the record or not at all."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from compliance.audit.models import ServeRecord
from compliance.limits.selectors import day_totals, served_days
from compliance.limits.services import count_serve
from compliance.limits.usage import INTERVAL, usage_at
from compliance.policy.clock import latest_night, local_day
from compliance.serving.door import NotServed
from tests.compliance.limits.people import day_of, serve_at, teen
from tests.conftest import World

SECOND = timedelta(seconds=1)


def plain_union(served: list[datetime], begins: datetime, ends: datetime) -> int:
    """Seconds between two moments at which some list's interval runs."""
    covered: set[int] = set()
    for at in served:
        first, last = max(at, begins), min(at + INTERVAL, ends)
        covered |= set(range(int(first.timestamp()), int(last.timestamp())))
    return len(covered)


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("UTC", datetime(2028, 2, 28, 20, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 3, 28, 20, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 10, 24, 20, tzinfo=UTC)),
        ("America/Los_Angeles", datetime(2026, 11, 1, 2, tzinfo=UTC)),
        ("Asia/Kathmandu", datetime(2026, 12, 31, 12, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_minutes_and_night_minutes_are_the_union_of_the_intervals(
    world: World, zone: str, start: datetime, seed: int
) -> None:
    subject, lots, now = teen(world, timezone=zone), random.Random(seed), start  # noqa: S311 - a test's lots
    served: list[datetime] = []
    for _ in range(160):
        now += lots.choice((1, 20, 140, 299, 300, 301, 900, 2400)) * SECOND
        served.append(now)
        count_serve(subject=subject, now=now, break_minutes=0)
        today = local_day(now, zone)
        later = now + lots.randrange(400) * SECOND
        if local_day(later, zone) == today and len(served) % 8 == 0:
            said = usage_at(served_days(subject, later), later, today).day_minutes
            assert said == plain_union(served, today.begins, min(today.ends, later)) // 60
    totals = day_totals(subject, most=10, now=now + INTERVAL)
    assert sum(day.served.total_seconds() for day in totals) == plain_union(served, start, now + INTERVAL)
    nights = {latest_night(at + INTERVAL, zone) for at in [start, *served]}
    plain = sum(plain_union(served, begins, ends) for begins, ends in nights)
    assert plain > 0
    assert sum(day.night.total_seconds() for day in totals) == plain


@contextmanager
def refusing(table: str) -> Iterator[None]:
    """Let a table take no row."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT refuse CHECK (false) NOT VALID")
        yield
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT refuse")


@pytest.mark.django_db(transaction=True)
def test_no_record_no_minutes_and_no_minutes_no_record(world: World) -> None:
    subject, now = teen(world), datetime.now(tz=UTC)
    serve_at(subject, now)
    before = ServeRecord.objects.count(), day_of(subject).last_served_at
    for table in ("audit_serverecord", "limits_usageday"):
        with refusing(table), pytest.raises(NotServed, match="on record first"):
            serve_at(subject, now + 60 * SECOND)
        assert (ServeRecord.objects.count(), day_of(subject).last_served_at) == before
