"""What serving does to each tier, counted again from the serve records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from prometheus_client import REGISTRY

from compliance.limits.effects import effects_of, keep_effects
from compliance.limits.models import DayEffect, PushSent, UsageDay
from compliance.limits.services import forget_old
from compliance.serving.door import Closed
from compliance.subjects.models import Tier
from tests.compliance.limits.people import day_of, serve_at, teen
from tests.conftest import World

START = datetime.now(tz=UTC).replace(hour=10, minute=0, second=0, microsecond=0)
MINUTE = timedelta(minutes=1)


def test_minutes_opens_and_nights_are_those_that_limits_counted(world: World) -> None:
    one, two = teen(world), teen(world, timezone="Asia/Tokyo")
    for minutes in (0, 2, 4, 30):
        serve_at(one, START + minutes * MINUTE)
    serve_at(two, START + 4 * 60 * MINUTE)  # 23:00 in Tokyo
    found = {effect.tier: effect for effect in effects_of(service=world.service, day=START.date())}
    teens = found["teen"]
    assert (teens.people, teens.minutes, teens.opens) == (2, (14 + 5) / 2, 1.5)
    assert teens.night_minutes == 2.5
    assert teens.interval is not None
    assert teens.interval[0] < teens.minutes < teens.interval[1]
    # The last list's own five minutes still run when limits look, and are over in the records.
    assert day_of(one).served + 5 * MINUTE == 14 * MINUTE


def test_breaks_that_were_dismissed_are_counted_by_tier(world: World) -> None:
    subject = teen(world, session_minutes=1)
    serve_at(subject, START)
    for minutes in (2, 3):
        with pytest.raises(Closed):
            serve_at(subject, START + minutes * MINUTE)
    keep_effects(service=world.service, day=START.date())
    assert keep_effects(service=world.service, day=START.date()) == 1
    effect = DayEffect.objects.get()
    assert (effect.tier, effect.people, effect.breaks_due, effect.breaks_dismissed) == ("teen", 1, 1, 1)
    assert effect.minutes_low is None
    assert REGISTRY.get_sample_value("clerestory_limits_minutes", {"tier": "teen"}) == 5.0


def test_the_command_prints_a_line_a_tier_or_says_that_nobody_was_served(world: World) -> None:
    serve_at(teen(world, tier=Tier.CHILD), START)
    out = StringIO()
    call_command("limits", "effects", "--day", START.date().isoformat(), stdout=out)
    assert "child" in out.getvalue()
    assert "5.0 min" in out.getvalue()
    call_command("limits", "effects", "--day", "2020-01-01", stdout=out)
    assert "Nobody was served that day." in out.getvalue()


def test_old_days_are_forgotten(world: World) -> None:
    subject = teen(world)
    serve_at(subject, START)
    PushSent.objects.create(subject=subject, sent_at=START)
    assert forget_old(now=START + timedelta(days=34)) == 0
    assert forget_old(now=START + timedelta(days=36)) == 2
    assert not UsageDay.objects.exists()
