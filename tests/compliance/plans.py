"""People, requests and candidates as policy sees them, and their plans: for its tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final

from compliance.policy.policy_set import shipped
from compliance.policy.router import plan
from compliance.policy.types import Plan, RequestFacts, SubjectFacts
from ranking.serving.types import Candidate

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


def candidate(item_id: int, **changes: object) -> Candidate:
    """A candidate with nothing special, changed."""
    plain = Candidate(
        item_id=item_id,
        external_id=str(item_id),
        source="newest",
        topics=(),
        suitable_from="child",
        published_ms=0,
        popularity=0,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]
