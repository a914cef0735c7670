"""The best lawful choice, exactly: HiGHS finds it, whole numbers prove it and break ties in one way.

Worths are whole numbers that fall strictly along the ranker's order. The answer is the choice with the greatest sum;
among equal sums the one that keeps the earliest item which another one does not. That names one choice, so every
machine comes to the same one: HiGHS works in floats, and is believed only as far as its dual multipliers, taken again
in whole numbers, rule the rest out. What they leave open is searched, or split and bounded anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from compliance.policy.constitution.budget import Budget, budget
from compliance.policy.constitution.highs import SCALE, Relaxed, SolverFailed, System
from compliance.policy.constitution.reduced import Reduced, reduced
from compliance.policy.constitution.rows import Problem
from compliance.policy.constitution.search import Search, TooLong


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The places chosen, in order. `parts` and `steps` say how much was looked at; machines may differ in them."""

    places: tuple[int, ...]
    parts: int = field(default=0, compare=False)
    steps: int = field(default=0, compare=False)


def best(
    problem: Problem, worth: Sequence[int], pinned: Sequence[int] = (), within: Budget | None = None
) -> Choice | None:
    """The best choice of `problem.size` places, the pinned ones among them; None where there is none.

    `worth` falls strictly. Raises SolverFailed, and Spent where it takes more than the budget has.
    """
    small = reduced(problem, pinned)
    if small is None:
        return None
    if problem.size == 0:
        return Choice(places=())
    # Every choice has the same number of places, so taking the least worth off each changes no comparison; what is
    # left is what HiGHS has to tell apart, and its tolerances are then for that.
    least = min(worth[place] for place in small.places)
    kept = [worth[place] - least for place in small.places]
    return _Branching(small, kept, within or budget()).run()


class _Branching:
    """The parts of a problem still to be looked at, and the best choice met so far."""

    def __init__(self, small: Reduced, worth: Sequence[int], within: Budget) -> None:
        self.small, self.worth, self.within = small, worth, within
        self.system = System(problem=small.problem, worth=worth)
        self.best: list[int] | None = None
        self.parts = self.steps = 0

    def run(self) -> Choice | None:
        """Look at everything. Raises SolverFailed and Spent."""
        relaxed = self._relax(self.small.pinned, frozenset())
        if relaxed is None:
            return None
        first = self._first(relaxed)
        if first is None:
            return None
        waiting = [(self.small.pinned, frozenset[int](), relaxed)]
        target = self._worth(first)
        while waiting:
            pinned, shut, relaxed = waiting.pop()
            self.parts += 1
            if relaxed.bound.most < target * SCALE:
                continue
            search = Search(self.small, self.worth, relaxed.bound, pinned, shut, target)
            try:
                self._consider(search.run())
            except TooLong:
                self._consider(search.best)
                waiting += self._split(pinned, shut, relaxed, search)
            self.steps += search.steps
            if self.best is not None:
                target = self._worth(self.best)
        if self.best is None:
            raise SolverFailed("The solver's choice does not keep the rows that it was given.")
        return Choice(places=tuple(self.small.places[place] for place in self.best), parts=self.parts, steps=self.steps)

    def _relax(self, pinned: frozenset[int], shut: frozenset[int]) -> Relaxed | None:
        """A part's bound, on the budget."""
        self.within.solve(self.system.numbers)
        return self.system.relax(pinned, shut)

    def _first(self, relaxed: Relaxed) -> list[int] | None:
        """A choice to beat: the relaxation's own where it is whole, else HiGHS's."""
        if relaxed.whole:
            return [int(place) for place in np.flatnonzero(np.round(relaxed.taken))]
        return self.system.whole(self.small.pinned)

    def _worth(self, places: Sequence[int]) -> int:
        return sum(self.worth[place] for place in places)

    def _consider(self, found: list[int] | None) -> None:
        """Keep the better of two choices: worth first, then the one with the earliest places."""
        if found is None:
            return
        if self.best is None or (-self._worth(found), found) < (-self._worth(self.best), self.best):
            self.best = found

    def _split(
        self, pinned: frozenset[int], shut: frozenset[int], relaxed: Relaxed, search: Search
    ) -> list[tuple[frozenset[int], frozenset[int], Relaxed]]:
        """Two parts: with a place that the relaxation is least sure of, and without it."""
        place = min(search.open, key=lambda one: (abs(float(relaxed.taken[one]) - 0.5), abs(search.gains[one]), one))
        same = self.small.members[self.small.classes[place]]
        sides = [
            (pinned, shut.union(one for one in same if one >= place)),
            (pinned.union(one for one in same if one <= place), shut),
        ]
        parts = []
        for side in sides:
            bounded = self._relax(*side)
            if bounded is not None:
                parts.append((*side, bounded))
        return parts
