"""The first router: total, pure, and the strictest rule wins."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from compliance.policy.first.pack import FEED_MODES, SURFACES, TIERS, parse
from compliance.policy.first.router import plan
from compliance.policy.first.types import Plan, RequestFacts, SubjectFacts
from tests.compliance.first.shipped import BASELINE

NON_PROFILED = ("newest", "popular")
PACK = parse(BASELINE.encode())
ADULT = SubjectFacts(
    tier="adult",
    assurance="self_declared",
    jurisdiction="EU",
    personalisation_consent=True,
    chosen_mode="",
    hidden_items=(),
)
HOME = RequestFacts(surface="home", slate_size=12, ranker_live=True)


def every_plan() -> list[tuple[SubjectFacts, Plan]]:
    """Plans for every combination of what the router can see."""
    states = product((*TIERS, "martian"), (True, False), ("", *FEED_MODES, "nonsense"), SURFACES, (True, False))
    plans = []
    for tier, consent, chosen, surface, live in states:
        facts = replace(ADULT, tier=tier, personalisation_consent=consent, chosen_mode=chosen)
        request = RequestFacts(surface=surface, slate_size=12, ranker_live=live)
        plans.append((facts, plan(PACK, facts, request)))
    return plans


def test_every_state_gets_a_plan_whose_reasons_name_a_rule_and_a_law() -> None:
    for _, made in every_plan():
        assert made.feed_mode in made.offered_modes
        assert made.sources
        assert all(reason.rule and reason.law and reason.words for reason in made.reasons)


def test_every_state_is_offered_a_non_profiled_order() -> None:
    assert all(set(NON_PROFILED) <= set(made.offered_modes) for _, made in every_plan())


def test_nobody_without_consent_or_known_age_is_profiled() -> None:
    for facts, made in every_plan():
        if not facts.personalisation_consent or facts.tier not in ("adult", "teen"):
            assert made.feed_mode in NON_PROFILED
            assert not set(made.features) & {"history", "profile"}


def test_minors_and_unknown_ages_get_only_labelled_items() -> None:
    for facts, made in every_plan():
        if facts.tier != "adult":
            assert "" not in made.audiences
            assert "adult" not in made.audiences


@pytest.mark.parametrize(
    ("tier", "audiences"),
    [
        ("child", {"child"}),
        ("young_teen", {"child", "young_teen"}),
        ("teen", {"child", "young_teen", "teen"}),
        ("unknown", {"child"}),
        ("adult", {"child", "young_teen", "teen", "adult", ""}),
    ],
)
def test_each_tier_has_its_audiences(tier: str, audiences: set[str]) -> None:
    assert set(plan(PACK, replace(ADULT, tier=tier), HOME).audiences) == audiences


def test_a_choice_that_is_offered_is_kept() -> None:
    made = plan(PACK, replace(ADULT, chosen_mode="newest"), HOME)
    assert made.feed_mode == "newest"
    assert made.reasons[0].rule == "choice"


def test_a_teen_may_choose_personalised_but_does_not_start_there() -> None:
    teen = replace(ADULT, tier="teen")
    assert plan(PACK, teen, HOME).feed_mode == "popular"
    assert plan(PACK, replace(teen, chosen_mode="personalised"), HOME).feed_mode == "personalised"
    assert plan(PACK, replace(teen, chosen_mode="personalised"), HOME).explore_probability == 0


def test_without_a_ranker_the_personalised_order_is_not_offered() -> None:
    made = plan(PACK, ADULT, replace(HOME, ranker_live=False))
    assert "personalised" not in made.offered_modes
    assert made.feed_mode == "popular"


def test_a_slate_is_never_longer_than_the_pack_allows() -> None:
    assert plan(PACK, ADULT, replace(HOME, slate_size=1000)).slate_size == PACK.slate_size
