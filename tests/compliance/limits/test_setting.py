"""Limits as they are set: checked whole, on record, and never loosened by the other side."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from compliance.audit.models import AuditEvent
from compliance.limits.setting import LimitRefused, clear_limit, set_limit
from compliance.policy.facts import make_plan, plan_for
from compliance.subjects.models import Control
from tests.compliance.limits.people import teen
from tests.conftest import World


@pytest.mark.parametrize(
    ("target", "value"),
    [
        ("daily_minutes", "0"),
        ("daily_minutes", "1441"),
        ("daily_minutes", "060"),
        ("daily_minutes", "-5"),
        ("daily_minutes", "٣"),
        ("session_minutes", "1e3"),
        ("session_minutes", ""),
        ("sleep", "22"),
        ("sleep", "22-22"),
        ("sleep", "00-24"),
        ("sleep", "7-9"),
        ("sleep", "22-25"),
        ("weekly_minutes", "60"),
    ],
)
def test_what_cannot_be_kept_is_refused_and_nothing_is_set(world: World, target: str, value: str) -> None:
    with pytest.raises(LimitRefused, match=r"nothing was set|set one of"):
        set_limit(subject=teen(world), target=target, value=value)
    assert not Control.objects.filter(kind="limit").exists()


@pytest.mark.parametrize(("hour", "pause"), [(12, 10), (23, 15)])  # at night a teen's rule asks for a longer break
def test_a_limit_is_on_record_and_in_the_very_next_plan(world: World, hour: int, pause: int) -> None:
    subject = teen(world)
    now = timezone.now().replace(hour=hour)
    before = AuditEvent.objects.filter(pseudonym=subject.pseudonym).count()
    set_limit(subject=subject, target="daily_minutes", value="45")
    set_limit(subject=subject, target="session_minutes", value="20")
    plan = make_plan(subject, "home", 12, now).plan
    assert (plan.daily_minutes, plan.session_minutes, plan.break_minutes) == (45, 20, pause)
    assert clear_limit(subject=subject, target="daily_minutes")
    assert not clear_limit(subject=subject, target="daily_minutes")
    assert plan_for(subject, "home").daily_minutes > 45
    assert AuditEvent.objects.filter(pseudonym=subject.pseudonym).count() == before + 3


def test_neither_side_writes_over_the_other_and_the_stricter_holds(world: World) -> None:
    subject, guardian = teen(world), teen(world)
    set_limit(subject=subject, target="daily_minutes", value="30", guardian=guardian)
    set_limit(subject=subject, target="daily_minutes", value="600")
    assert plan_for(subject, "home").daily_minutes == 30
    clear_limit(subject=subject, target="daily_minutes")
    assert plan_for(subject, "home").daily_minutes == 30
    set_limit(subject=subject, target="daily_minutes", value="20")
    assert plan_for(subject, "home").daily_minutes == 20


def test_a_second_guardian_neither_loosens_nor_lifts_the_firsts_limit(world: World) -> None:
    subject, first, second = teen(world), teen(world), teen(world)
    set_limit(subject=subject, target="daily_minutes", value="30", guardian=first)
    set_limit(subject=subject, target="daily_minutes", value="300", guardian=second)
    assert plan_for(subject, "home").daily_minutes == 30
    assert clear_limit(subject=subject, target="daily_minutes", guardian=second)
    assert not clear_limit(subject=subject, target="daily_minutes", guardian=second)
    assert plan_for(subject, "home").daily_minutes == 30
    assert clear_limit(subject=subject, target="daily_minutes", guardian=first)
    assert plan_for(subject, "home").daily_minutes > 30


def test_hours_of_sleep_of_two_guardians_add_up(world: World) -> None:
    subject = teen(world)
    for hours in ("00-12", "12-24"):
        set_limit(subject=subject, target="sleep", value=hours, guardian=teen(world))
    for now in (timezone.now(), timezone.now() + timedelta(hours=12)):
        assert "asleep" in make_plan(subject, "home", 12, now).plan.closed
