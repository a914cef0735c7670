"""A problem made smaller without losing its best choice: places that no best choice takes are left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from compliance.policy.constitution.rows import Cover, Problem, Row


@dataclass(frozen=True, kw_only=True)
class Reduced:
    """The problem over the places that are left, and which ones those are.

    Places of one class stand in the same rows and differ in worth only, so a best choice takes the earlier one first.
    """

    problem: Problem
    places: tuple[int, ...]
    pinned: frozenset[int]
    classes: tuple[int, ...]
    members: dict[int, tuple[int, ...]]  # of each class, in order


def reduced(problem: Problem, pinned: Sequence[int]) -> Reduced | None:
    """Leave out what is barred, and what comes too late in its class to be taken; None where too few are left."""
    shut = {place for row in problem.rows if row.at_most == 0 for place in row.places}
    if shut.intersection(pinned):
        return None
    names = _names(problem)
    for place in pinned:
        names[place] = (place,)
    counts: dict[Any, int] = defaultdict(int)
    numbers: dict[Any, int] = {}
    kept, classes = [], []
    for place in range(problem.count):
        if place in shut or counts[names[place]] >= problem.size:
            continue
        counts[names[place]] += 1
        kept.append(place)
        classes.append(numbers.setdefault(names[place], len(numbers)))
    if len(kept) < problem.size:
        return None
    members: dict[int, list[int]] = defaultdict(list)
    for number, name in enumerate(classes):
        members[name].append(number)
    return Reduced(
        problem=_renumbered(problem, kept),
        places=tuple(kept),
        pinned=frozenset(number for number, place in enumerate(kept) if place in pinned),
        classes=tuple(classes),
        members={name: tuple(numbers) for name, numbers in members.items()},
    )


def _names(problem: Problem) -> list[tuple[int, ...]]:
    """For each place, the rows and groups that it stands in: who shares them all can be exchanged."""
    groups = [row.places for row in problem.rows] + [group for cover in problem.covers for group in cover.groups]
    names: list[list[int]] = [[] for _ in range(problem.count)]
    for number, group in enumerate(groups):
        for place in group:
            names[place].append(number)
    return [(-1, *name) for name in names]


def _renumbered(problem: Problem, kept: Sequence[int]) -> Problem:
    """The same problem over the places kept; rows that cannot bind are left out."""
    number = {place: count for count, place in enumerate(kept)}

    def of(places: Sequence[int]) -> tuple[int, ...]:
        return tuple(number[place] for place in places if place in number)

    rows = [(row, of(row.places)) for row in problem.rows]
    return Problem(
        count=len(kept),
        size=problem.size,
        rows=tuple(
            Row(principle=row.principle, places=places, at_least=row.at_least, at_most=row.at_most)
            for row, places in rows
            if row.at_least > 0 or len(places) > row.at_most
        ),
        covers=tuple(
            Cover(principle=one.principle, groups=tuple(of(group) for group in one.groups), at_least=one.at_least)
            for one in problem.covers
        ),
    )
