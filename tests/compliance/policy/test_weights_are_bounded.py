"""What has no finite list of states: weights of one's own stay within bounds, and no control loosens a rule."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Final

from compliance.policy.controls import LEVELS
from compliance.policy.policy_set import shipped
from compliance.policy.router import plan
from compliance.policy.types import Control
from compliance.policy.vocabulary import ENGAGEMENT_HEADS
from compliance.subjects.values import OBJECTIVES, SIGNALS, TIERS
from tests.compliance.plans import ADULT, HOME

STATES: Final = 2_000


def drawn_controls(drawn: random.Random) -> tuple[Control, ...]:
    """Up to twelve controls, of values within and beyond what the pages offer."""
    topics = [f"topic-{number}" for number in range(8)]
    kinds = (
        lambda: Control(kind="topic", target=drawn.choice(topics), value=drawn.choice(("more", "less", "mute"))),
        lambda: Control(kind="creator", target=str(drawn.randrange(9)), value=drawn.choice(("more", "less", "mute"))),
        lambda: Control(kind="keyword", target=drawn.choice(topics), value="mute"),
        lambda: Control(kind="signal", target=drawn.choice(SIGNALS), value=drawn.choice(("on", "off"))),
        lambda: Control(kind="objective", target=drawn.choice(OBJECTIVES), value=str(drawn.randint(1, 9))),
        lambda: Control(kind="limit", target="daily_minutes", value=str(drawn.randint(1, 2_000))),
    )
    return tuple(drawn.choice(kinds)() for _ in range(drawn.randrange(13)))


def test_no_control_weighs_more_than_it_may_and_none_loosens_what_rules_decided() -> None:
    drawn, policies = random.Random(5), shipped("platform")  # noqa: S311 - a sample that can be drawn again
    most = policies.base.control_milli
    for _ in range(STATES):
        controls = drawn_controls(drawn)
        bare = replace(ADULT, tier=drawn.choice(TIERS), jurisdiction=drawn.choice(("DE", "US-CA", "")))
        without, found = (plan(policies, each, HOME) for each in (bare, replace(bare, controls=controls)))
        assert all(abs(one.milli) <= most for one in found.adjustments)
        assert all(one.milli >= most // LEVELS for one in found.adjustments if one.kind == "objective")
        assert found.daily_minutes <= without.daily_minutes
        assert set(found.features) <= set(without.features)
        assert set(found.sources) <= set(without.sources)
        assert found.weights == without.weights
        assert (found.audiences, found.ads, found.ui) == (without.audiences, without.ads, without.ui)
        if without.minor:
            assert not set(found.weights) & set(ENGAGEMENT_HEADS)
