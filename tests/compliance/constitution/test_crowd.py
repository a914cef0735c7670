"""What everyone needs stands at fixed places, few, once, and without a score."""

from __future__ import annotations

import pytest

from compliance.policy.constitution.crowd import mixed
from compliance.policy.constitution.repair import repair
from tests.compliance.constitution.made import Made, bounds, items

RANKED = items(*"abcdefgh")
NOTICES = [Made(item_id=100 + number, topics=("safety",), essential=True) for number in range(3)]


@pytest.mark.parametrize(
    ("most", "size", "wanted"),
    [
        (0, 8, [1, 2, 3, 4, 5, 6, 7, 8]),
        (1, 8, [100, 1, 2, 3, 4, 5, 6, 7, 8]),
        (2, 8, [100, 1, 2, 3, 4, 101, 5, 6, 7, 8]),
        (9, 5, [100, 1, 2, 3, 4, 5, 6, 7, 8]),
    ],
)
def test_notices_stand_at_fixed_places_and_are_few(most: int, size: int, wanted: list[int]) -> None:
    mix = mixed(RANKED, [0.5] * 8, NOTICES, most=most, size=size)
    assert [item.item_id for item in mix.ordered] == wanted
    assert [mix.ordered[place].essential for place in mix.pinned] == [True] * len(mix.pinned)
    assert mix.scores is not None
    assert [place for place, score in enumerate(mix.scores) if score is None] == list(mix.pinned)


def test_an_item_that_was_also_ranked_stands_once_as_the_notice() -> None:
    notice = Made(item_id=3, essential=True)
    mix = mixed(RANKED, None, [notice], most=1, size=8)
    assert [item.item_id for item in mix.ordered] == [3, 1, 2, 4, 5, 6, 7, 8]
    assert (mix.ordered[0], mix.scores) == (notice, None)


def test_a_notice_stays_where_a_repair_is_needed() -> None:
    ranked = [Made(item_id=number, creator_id=int(number < 7)) for number in range(1, 9)]
    mix = mixed(ranked, None, NOTICES, most=1, size=4)
    repaired = repair(bounds(max_creator_share=0.25, essential_places=1), mix.ordered, mix.scores, mix.pinned)
    assert [item.item_id for item in repaired.slate] == [100, 1, 7, 8]


def test_with_no_candidates_notices_alone_are_the_list() -> None:
    mix = mixed([], None, NOTICES, most=2, size=8)
    assert (mix.ordered, mix.pinned) == (tuple(NOTICES[:2]), (0, 1))
