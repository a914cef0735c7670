"""People and requests as the router sees them, and their plans: for the tests of policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final

from compliance.policy.policy_set import shipped
from compliance.policy.router import plan
from compliance.policy.types import Plan, RequestFacts, SubjectFacts

POLICIES: Final = shipped("platform")
ADULT: Final = SubjectFacts(
    tier="adult",
    assurance="self_declared",
    jurisdiction="EU",
    consent="granted",
    parental_consent=False,
    chosen_mode="",
)
HOME: Final = RequestFacts(
    surface="home", slate_size=12, ranker_live=True, day=date(2026, 11, 23), hours="15-22", school_day=True
)


def plan_of(**changes: object) -> Plan:
    """An adult's plan, changed."""
    return replace(plan(POLICIES, ADULT, HOME), **changes)  # type: ignore[arg-type]
