"""Which principles kept an item out, and which ones made a list short."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compliance.policy.constitution.bounds import Bounds, Slate
from compliance.policy.constitution.budget import Spent, budget
from compliance.policy.constitution.highs import SolverFailed
from compliance.policy.constitution.principles import PRINCIPLES
from compliance.policy.constitution.rows import BARS, Problem, problem
from compliance.policy.constitution.solve import best


def kept_out(
    bounds: Bounds, ordered: Slate, chosen: Sequence[int], length: int, broken: tuple[str, ...]
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Each place that stands before one that is served, or within the list's length, and is not served; with why.

    That is what it breaks by itself; else what is full with what is served; else what was owed to others.
    """
    held = problem(bounds, ordered, len(chosen))
    served = set(chosen)
    last = max([length - 1, *chosen])
    for place in range(last + 1):
        if place not in served:
            yield place, _alone(held, place) or _full(held, place, served) or _owed(held, served) or broken


def _alone(held: Problem, place: int) -> tuple[str, ...]:
    return _once(row.principle for row in held.rows if row.principle in BARS and place in row.places)


def _full(held: Problem, place: int, served: set[int]) -> tuple[str, ...]:
    return _once(
        row.principle
        for row in held.rows
        if place in row.places and len(served.intersection(row.places)) >= row.at_most
    )


def _owed(held: Problem, served: set[int]) -> tuple[str, ...]:
    rows = [
        row.principle for row in held.rows if row.at_least > 0 and len(served.intersection(row.places)) == row.at_least
    ]
    covers = [
        cover.principle
        for cover in held.covers
        if sum(not served.isdisjoint(group) for group in cover.groups) == cover.at_least
    ]
    return _once([*rows, *covers])


def _once(names: Sequence[str] | Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def reason_of_length(
    bounds: Bounds, ordered: Slate, worth: Sequence[int], size: int, pinned: Sequence[int], proved: bool
) -> str:
    """A sentence that names the principles without any one of which the list could be longer, or all that hold.

    All of them too where the length is not proved, or where finding those ones out takes more than the budget.
    """
    held = problem(bounds, ordered, size + 1)
    active = _once([row.principle for row in held.rows] + [cover.principle for cover in held.covers])
    try:
        single = _single(bounds, ordered, worth, size + 1, pinned, active) if proved else []
    except (SolverFailed, Spent):
        single = []
    names = single or list(active)
    words = {principle.id: principle.words for principle in PRINCIPLES}
    said = " ".join(f"{words[name]} ({name})" for name in names)
    how = "Any one of these alone keeps it from being longer" if len(names) > 1 and single else "Because of"
    if len(names) > 1 and not single:
        how = "Together these keep it from being longer"
    if not proved:
        how = "No longer one was found in time under these"
    few = "is empty" if size == 0 else f"has {size} {'item' if size == 1 else 'items'}"
    return f"The list {few} where {bounds.slate_size} were asked for. {how}: {said}"


def _single(
    bounds: Bounds, ordered: Slate, worth: Sequence[int], size: int, pinned: Sequence[int], active: tuple[str, ...]
) -> list[str]:
    """The principles without which alone a list could have so many places. Raises SolverFailed and Spent."""
    within = budget()
    return [
        name for name in active if best(problem(bounds, ordered, size, without=name), worth, pinned, within) is not None
    ]
