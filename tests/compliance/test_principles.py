"""Principles hold for every slate; what breaks one is kept out and recorded."""

from __future__ import annotations

from compliance.policy.principles import check
from ranking.serving.types import Candidate
from tests.compliance.plans import plan_of


def candidate(item_id: int, *, topics: tuple[str, ...] = (), suitable_from: str = "child") -> Candidate:
    """A candidate with nothing special."""
    return Candidate(
        item_id=item_id,
        external_id=str(item_id),
        source="newest",
        topics=topics,
        suitable_from=suitable_from,
        published_ms=0,
        popularity=0,
    )


def kept(found: tuple[list[Candidate], object]) -> list[int]:
    return [item.item_id for item in found[0]]


def test_an_item_outside_the_audience_is_kept_out_and_recorded() -> None:
    ordered = [candidate(1, suitable_from="adult"), candidate(2), candidate(3, suitable_from="")]
    slate, repairs = check(plan_of(audiences=("child",)), ordered, 3)
    assert [item.item_id for item in slate] == [2]
    assert [(repair.item_id, repair.principle) for repair in repairs] == [
        (1, "principle.audience"),
        (3, "principle.audience"),
    ]


def test_a_hidden_item_is_kept_out() -> None:
    assert kept(check(plan_of(hidden_items=(1,)), [candidate(1), candidate(2)], 2)) == [2]


def test_no_item_stands_twice() -> None:
    assert kept(check(plan_of(), [candidate(1), candidate(1), candidate(2)], 3)) == [1, 2]


def test_one_topic_does_not_fill_the_list() -> None:
    ordered = [candidate(number, topics=("Drama",)) for number in range(12)] + [candidate(99, topics=("Comedy",))]
    slate, repairs = check(plan_of(max_topic_share=0.5, slate_size=4), ordered, 4)
    assert [item.item_id for item in slate] == [0, 1, 99]
    assert {repair.principle for repair in repairs} == {"principle.topic-share"}


def test_a_good_slate_is_left_alone() -> None:
    ordered = [candidate(number) for number in range(5)]
    assert check(plan_of(), ordered, 3) == (ordered[:3], ())
