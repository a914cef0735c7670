"""The exploration draw: from feasible items only, with odds that are what they say."""

from __future__ import annotations

from collections import Counter

import pytest

from compliance.policy.constitution.joining import Joining
from compliance.policy.constitution.of_plan import bounds_of
from compliance.policy.constitution.verifier import offer_of
from compliance.policy.types import Plan
from compliance.serving.explore import Draw, uniform
from compliance.serving.explore import draw as draw_one
from ranking.serving.types import Candidate
from tests.compliance.plans import candidate, plan_of

SLATE = [candidate(number) for number in range(10)]
POOL = tuple(candidate(number) for number in range(100, 105))
PLAN = plan_of(explore_probability=0.4, max_topic_share=1.0)


def draw(plan: Plan, slate: list[Candidate], pool: tuple[Candidate, ...], seed: int) -> tuple[list[Candidate], Draw]:
    """Draw among what a plan's principles allow."""
    bounds = bounds_of(plan)
    return draw_one(plan.explore_probability, slate, pool, seed, Joining(bounds, offer_of(bounds, slate), pool))


def test_the_same_seed_draws_the_same() -> None:
    assert draw(PLAN, SLATE, POOL, 7) == draw(PLAN, SLATE, POOL, 7)


def test_observed_shares_match_the_recorded_probability() -> None:
    hits = Counter(draw(PLAN, SLATE, POOL, seed)[1].place is not None for seed in range(4000))
    assert hits[True] / 4000 == pytest.approx(0.4, abs=0.03)


def test_every_slot_and_every_item_is_drawn_about_equally() -> None:
    places: Counter[int] = Counter()
    items: Counter[int] = Counter()
    for seed in range(6000):
        slate, made = draw(PLAN, SLATE, POOL, seed)
        if made.place is not None:
            places[made.place] += 1
            items[slate[made.place].item_id] += 1
    total = sum(places.values())
    assert all(count / total == pytest.approx(0.1, abs=0.025) for count in places.values())
    assert all(count / total == pytest.approx(0.2, abs=0.03) for count in items.values())


def test_propensities_of_a_slot_sum_to_one() -> None:
    _, missed = next(found for found in (draw(PLAN, SLATE, POOL, seed) for seed in range(99)) if found[1].place is None)
    _, hit = next(
        found for found in (draw(PLAN, SLATE, POOL, seed) for seed in range(99)) if found[1].place is not None
    )
    assert hit.place is not None
    assert missed.propensity(hit.place) + len(hit.feasible) * hit.propensity(hit.place) == pytest.approx(1.0)


def test_only_items_that_keep_every_principle_are_drawn() -> None:
    plan = plan_of(explore_probability=1.0, audiences=("child",), max_topic_share=1.0)
    pool = (candidate(100, suitable_from="adult"), candidate(101), candidate(3))
    for seed in range(50):
        slate, made = draw(plan, SLATE, pool, seed)
        assert 100 not in [item.item_id for item in slate]
        assert 100 not in made.feasible
        assert len({item.item_id for item in slate}) == len(slate)


def test_with_nothing_feasible_the_slate_stays_and_says_so() -> None:
    plan = plan_of(explore_probability=1.0, audiences=("child",))
    slate, made = draw(plan, SLATE, (candidate(100, suitable_from="adult"),), 1)
    assert slate == SLATE
    assert made.place is None
    assert made.propensity(0) == 1.0


def test_uniform_is_the_same_on_every_machine() -> None:
    assert uniform(1, "explore slot") == 0.5041040906470506
