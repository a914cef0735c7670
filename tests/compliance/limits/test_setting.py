"""Limits as they are set: checked whole, on record, and never loosened by the other side."""

from __future__ import annotations

import pytest

from compliance.audit.models import AuditEvent
from compliance.limits.setting import LimitRefused, clear_limit, set_limit
from compliance.policy.facts import plan_for
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


def test_a_limit_is_on_record_and_in_the_very_next_plan(world: World) -> None:
    subject = teen(world)
    before = AuditEvent.objects.filter(pseudonym=subject.pseudonym).count()
    set_limit(subject=subject, target="daily_minutes", value="45")
    set_limit(subject=subject, target="session_minutes", value="20")
    plan = plan_for(subject, "home")
    assert (plan.daily_minutes, plan.session_minutes, plan.break_minutes) == (45, 20, 10)
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
