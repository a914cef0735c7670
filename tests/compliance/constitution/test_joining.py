"""What exploration may draw is exactly what the verifier would let stand."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.policy.constitution.joining import Joining
from compliance.policy.constitution.repair import repair
from compliance.policy.constitution.verifier import violations
from tests.compliance.constitution.made import random_case


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_an_item_may_join_exactly_where_the_list_with_it_is_lawful(seed: int) -> None:
    asked, made, scores = random_case(seed, 16)
    repaired = repair(asked, made[:10], None if scores is None else scores[:10])
    pool = list({item.item_id: item for item in made}.values())
    room = Joining(asked, repaired.offer, pool)
    for slot in range(len(repaired.slate)):
        others = [*repaired.slate[:slot], *repaired.slate[slot + 1 :]]
        joins = room(others)
        for item in pool:
            assert joins(item) == (violations(asked, [*others, item], repaired.offer) == ()), (slot, item)
