"""Sequence numbers as ranges say the same as the set of numbers would."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from compliance.audit.ingest.ranges import common, gaps, joined, runs, size

numbers = st.sets(st.integers(1, 60), max_size=40)


@given(numbers, numbers)
def test_ranges_are_sets_of_numbers(some: set[int], others: set[int]) -> None:
    one, other = runs(some), runs(others)
    assert {number for first, last in one for number in range(first, last + 1)} == some
    assert joined([*one, *other]) == runs(some | others)
    assert common(one, other) == len(some & others)
    assert size(one) == len(some)
    assert all(before[1] + 1 < after[0] for before, after in pairwise(one))


@given(numbers)
def test_gaps_are_what_is_missing_below_the_highest(some: set[int]) -> None:
    missing = set(range(1, max(some, default=0))) - some
    assert gaps(runs(some)) == runs(missing)
