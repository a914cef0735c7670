"""The verifier finds each planted violation, and nothing in a lawful list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.policy.constitution.bounds import Bounds, BoundsRefused, Offer
from compliance.policy.constitution.principles import BY_ID
from compliance.policy.constitution.rows import BARS, CAPS, NEW_CREATORS, SIZE, TOPICS, problem
from compliance.policy.constitution.special import refused
from compliance.policy.constitution.verifier import ALONE, TOGETHER, broken_alone, offer_of, violations
from tests.compliance.constitution.made import Made, bounds, items, random_case

PLENTY = Offer(topics=9, new_creator_items=9)
FOUR = items("a", "b", "c", "d")


def planted(**changes: object) -> list[Made]:
    """Four lawful items, the second one changed."""
    return [FOUR[0], replace(FOUR[1], **changes), *FOUR[2:]]  # type: ignore[arg-type]


PLANTED: dict[str, tuple[Bounds, list[Made], tuple[int, ...]]] = {
    "principle.audience": (bounds(), planted(suitable_from=""), (2,)),
    "principle.minor-safety": (bounds(minor=True), planted(unsafe=("violence",)), (2,)),
    "principle.hidden": (bounds(hidden_items=frozenset({2})), FOUR, (2,)),
    "principle.muted": (bounds(muted_topics=frozenset({"b"})), FOUR, (2,)),
    "principle.promotion-label": (bounds(), planted(promoted=True), (2,)),
    "principle.special-categories": (bounds(), planted(targeting=("Interest.Trade union = yes",)), (2,)),
    "principle.minor-targeting": (
        bounds(minor=True),
        planted(promoted=True, promotion="Advert", targeting=("age_band=13-15",)),
        (2,),
    ),
    "principle.size": (bounds(slate_size=3), FOUR, (4,)),
    "principle.once": (bounds(), planted(item_id=1), (1,)),
    "principle.creator-share": (bounds(max_creator_share=0.25), planted(creator_id=1), (1, 2)),
    "principle.topic-share": (bounds(max_topic_share=0.25), planted(topics=("a", "b")), (1, 2)),
    "principle.topics": (bounds(min_topics=4), planted(topics=("a",)), ()),
    "principle.promoted-share": (bounds(max_promoted_share=0.2), planted(promoted=True, promotion="Advert"), (2,)),
    "principle.new-creators": (bounds(new_creator_share=0.25), FOUR, ()),
    "principle.essential": (bounds(), planted(essential=True), (2,)),
}


def test_every_principle_has_its_law_its_count_and_its_rows() -> None:
    assert list(BY_ID) == [*ALONE, *TOGETHER]
    assert set(BY_ID) == {*BARS, *CAPS, NEW_CREATORS, TOPICS, SIZE} == set(PLANTED)


@pytest.mark.parametrize("principle", PLANTED)
def test_a_planted_violation_is_found_and_nothing_else(principle: str) -> None:
    asked, slate, at_fault = PLANTED[principle]
    found = violations(asked, slate, PLENTY)
    assert [(one.principle, one.items) for one in found] == [(principle, at_fault)]
    assert found[0].words.endswith(".")


@pytest.mark.parametrize(
    ("changed", "item"),
    [
        ({}, {"suitable_from": ""}),
        ({"min_label_confidence": "medium"}, {"label_confidence": "low"}),
        ({"min_label_confidence": "low"}, {"label_confidence": ""}),
    ],
    ids=["unlabelled", "unsure", "confidence unknown"],
)
def test_a_minor_gets_nothing_unlabelled_or_unsure(changed: dict[str, object], item: dict[str, object]) -> None:
    audiences = ("child", "")
    found = violations(bounds(minor=True, audiences=audiences, **changed), planted(**item), PLENTY)
    assert [one.principle for one in found] == ["principle.minor-safety"]
    assert violations(bounds(audiences=audiences, **changed), planted(**item), PLENTY) == ()


def test_a_lawful_list_and_an_empty_one_have_no_fault() -> None:
    strict = bounds(
        max_creator_share=0.25, max_topic_share=0.25, min_topics=4, new_creator_share=0.25, essential_places=1
    )
    assert violations(strict, planted(new_creator=True, essential=True), PLENTY) == ()
    assert violations(strict, [], PLENTY) == ()


def test_a_duty_is_owed_only_as_far_as_candidates_have_it() -> None:
    asked = bounds(new_creator_share=0.5, min_topics=9, audiences=("child",))
    pool = [*FOUR, Made(item_id=9, new_creator=True, topics=("e",), suitable_from="adult")]
    assert offer_of(asked, pool) == Offer(topics=4, new_creator_items=0)
    assert violations(asked, FOUR, offer_of(asked, pool)) == ()


def test_a_muted_creator_and_a_muted_word_are_found() -> None:
    assert violations(bounds(), planted(muted_words=("war",)), PLENTY)[0].items == (2,)
    assert violations(bounds(muted_creators=frozenset({3})), FOUR, PLENTY)[0].items == (3,)


@pytest.mark.parametrize(
    "predicate",
    [
        "religion",
        "Religion=x",
        "religions=x",
        "interest=religion",
        "NOT religion=x",
        "segment=muslims",
        "\uff52\uff45\uff4c\uff49\uff47\uff49\uff4f\uff4e=x",
        "region=\uff4e",
        "sexual-orientation in (a)",
        "profile.health",
        "age>30",
        "region",
        "region=",
        "region=-",
        "region=north or religion=x",
        "Region=north",
        "language=de\n",
        "",
        "region=" + "x" * 65,
    ],
)
def test_what_is_not_on_the_list_of_targeting_is_refused_by_the_verifier_and_by_the_rows(predicate: str) -> None:
    assert refused([predicate, "region=north"], frozenset()) == (predicate,)
    found = violations(bounds(), planted(targeting=("region=north", predicate)), PLENTY)
    assert [one.principle for one in found] == ["principle.special-categories"]
    assert BARS["principle.special-categories"](bounds(), Made(item_id=1, targeting=(predicate,)))


@pytest.mark.parametrize("predicate", ["region=north", "language=pt-BR", "context_topic=news", "age_band=30-39"])
def test_what_is_on_the_list_of_targeting_is_left_unless_it_is_declared_a_proxy(predicate: str) -> None:
    proxy = bounds(proxies=frozenset({predicate.partition("=")[0]}))
    made = planted(targeting=(predicate,))
    assert violations(bounds(), made, PLENTY) == ()
    assert not BARS["principle.special-categories"](bounds(), made[1])
    assert [one.principle for one in violations(proxy, made, PLENTY)] == ["principle.special-categories"]
    assert BARS["principle.special-categories"](proxy, made[1])


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_topic_share": 1.5},
        {"max_creator_share": 0.12345},
        {"slate_size": -1},
        {"min_label_confidence": "sure"},
        {"proxies": frozenset({"Post Code"})},
    ],
    ids=str,
)
def test_bounds_that_cannot_be_judged_by_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(BoundsRefused):
        bounds(**wrong)


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 10**9), size=st.integers(1, 8))
def test_rows_and_verifier_agree_on_every_list(seed: int, size: int) -> None:
    """They share no code, and judge the same: each row holds exactly where its principle is kept."""
    asked, made, _ = random_case(seed, 8)
    asked = replace(asked, slate_size=8)
    alone = broken_alone(asked, made)
    chosen = [place for place in range(8) if place not in alone][-size:]
    rows = problem(asked, made, len(chosen))
    broken = {row.principle for row in rows.rows if not row.at_least <= hits(row.places, chosen) <= row.at_most}
    for cover in rows.covers:
        if sum(hits(group, chosen) > 0 for group in cover.groups) < cover.at_least:
            broken.add(cover.principle)
    found = violations(asked, [made[place] for place in chosen], offer_of(asked, made))
    assert {one.principle for one in found} == broken
    barred = [(row.principle, place) for row in rows.rows if row.principle in BARS for place in row.places]
    assert sorted(barred) == sorted((name, place) for place, names in alone.items() for name in names)


def hits(places: Sequence[int], chosen: Sequence[int]) -> int:
    """How many of the places are chosen."""
    return len({*places} & {*chosen})
