"""The pipeline decides by the constitution: repairs are on record, and what stays unlawful is not served."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from compliance.audit.canonical import canonical
from compliance.policy.constitution.of_plan import bounds_of
from compliance.policy.constitution.repair import SHORTENED, UNCHANGED, Unlawful
from compliance.policy.constitution.verifier import offer_of, violations
from compliance.policy.types import Plan
from compliance.serving import pipeline
from compliance.serving.documents import output_document, slate_document
from compliance.serving.pipeline import Decision, decide
from ranking.serving.types import Candidate, RankInputs
from tests.compliance.plans import candidate, plan_of

NEWEST: dict[str, Any] = {"order": "newest", "slate_size": 4, "explore_probability": 0.0}


def made(count: int, **changes: object) -> tuple[Candidate, ...]:
    """Candidates in the order in which `newest` serves them."""
    plain = [{"published_ms": -number, "creator_id": number, **changes} for number in range(1, count + 1)]
    return tuple(candidate(number, **one) for number, one in enumerate(plain, start=1))


def decided(plan: Plan, candidates: tuple[Candidate, ...], **more: Any) -> Decision:
    inputs = RankInputs(candidates=candidates, explore=(), tokens=None, model_sha256="", reads=(), shortfall="")
    return decide(plan, replace(inputs, **more), None, 1, None)


def ids(decision: Decision) -> list[int]:
    return [item.item_id for item in decision.slate]


def test_a_lawful_list_is_served_as_it_was_ranked() -> None:
    decision = decided(plan_of(**NEWEST), made(6))
    assert ids(decision) == [1, 2, 3, 4]
    assert (decision.repairs, decision.shortfall) == ((), "")
    assert decision.certificate is not None
    assert decision.certificate.kind == UNCHANGED


def test_what_was_kept_out_is_in_the_record_under_its_principles() -> None:
    first = made(2, creator_id=7, topics=("war",))
    rest = (candidate(3, topics=("war",), published_ms=-3), *made(8, topics=("peace",))[3:])
    plan = plan_of(**NEWEST, max_creator_share=0.25, max_topic_share=0.5)
    decision = decided(plan, first + rest)
    assert ids(decision) == [1, 3, 4, 5]
    document = slate_document(output_document(decision), ())
    assert document["repairs"] == {"principle.creator-share principle.topic-share": [2]}
    assert document["certificate"] == {
        "kind": "repaired",
        "size": 4,
        "wanted": 2_083_333,
        "worth": 1_783_333,
        "topics_offered": 2,
        "new_creator_items_offered": 0,
        "broken": ["principle.creator-share", "principle.topic-share"],
    }
    assert canonical(document)


def test_a_minors_list_holds_nothing_unsafe_and_says_why_it_is_short() -> None:
    plan = plan_of(**NEWEST, audiences=("child",), label_confidence="medium")
    unsafe = made(3, unsafe=("violence",), label_confidence="high")
    sure = (candidate(9, published_ms=-9, label_confidence="high"),)
    decision = decided(plan, unsafe + sure)
    assert ids(decision) == [9]
    assert decision.certificate is not None
    assert decision.certificate.kind == SHORTENED
    assert "principle.minor-safety" in decision.shortfall
    assert {one.principles for one in decision.repairs} == {("principle.minor-safety",)}


def test_a_notice_is_one_of_the_places_and_has_no_position_among_the_ranked() -> None:
    notice = candidate(3, essential=True, source="essential")
    decision = decided(plan_of(**NEWEST, essential_places=1), made(6), essential=(notice,))
    assert ids(decision) == [3, 1, 2, 4]
    assert decision.position_of(decision.slate[0]) is None
    assert output_document(decision)["items"][0]["source"] == "essential"


def test_exploration_draws_only_what_keeps_every_principle() -> None:
    plan = plan_of(**{**NEWEST, "explore_probability": 1.0}, max_creator_share=0.25, muted_topics=("war",))
    pool = (candidate(91, creator_id=1), candidate(92, topics=("war",)), candidate(93, creator_id=50))
    for seed in range(20):
        inputs = RankInputs(candidates=made(6), explore=pool, tokens=None, model_sha256="", reads=(), shortfall="")
        decision = decide(plan, inputs, None, seed, None)
        assert 92 not in ids(decision)
        assert violations(bounds_of(plan), decision.slate, offer_of(bounds_of(plan), made(6))) == ()


def test_exploration_draws_nothing_that_a_decision_demotes() -> None:
    plan = plan_of(**{**NEWEST, "explore_probability": 1.0})
    demoted = candidate(91, creator_id=50, penalties=("a-decision",), penalty_milli=1000)
    labelled = candidate(92, creator_id=51, penalties=("another",))
    drawn = [decide(plan, _exploring(demoted, labelled), None, seed, None) for seed in range(20)]
    assert {one for decision in drawn for one in decision.draw.feasible} == {92}
    assert decide(plan, _exploring(demoted), None, 1, None).draw.probability == 0.0


def _exploring(*pool: Candidate) -> RankInputs:
    return RankInputs(candidates=made(6), explore=pool, tokens=None, model_sha256="", reads=(), shortfall="")


def test_a_list_that_broke_a_principle_after_all_is_not_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the draw to break a principle, the verifier's count would stop the list."""
    monkeypatch.setattr(pipeline, "keeping_notices", lambda room, slate: lambda others: lambda item: True)
    plan = plan_of(**{**NEWEST, "explore_probability": 1.0}, muted_topics=("war",))
    inputs = RankInputs(
        candidates=made(6),
        explore=(candidate(92, topics=("war",)),),
        tokens=None,
        model_sha256="",
        reads=(),
        shortfall="",
    )
    with pytest.raises(Unlawful, match=r"principle\.muted"):
        decide(plan, inputs, None, 1, None)
