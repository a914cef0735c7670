"""A lawful choice where the best one is not proved in time: the first one in the ranker's order, in whole numbers."""

from __future__ import annotations

from collections.abc import Sequence

from compliance.policy.constitution.budget import Budget, Spent
from compliance.policy.constitution.reduced import Reduced, reduced
from compliance.policy.constitution.rows import Problem


def first_lawful(problem: Problem, pinned: Sequence[int], budget: Budget) -> tuple[int, ...] | None:
    """The choice that keeps the earliest places, the pinned ones among them; None where none is met within the budget.

    No solver and no float is asked, so every machine finds the same one.
    """
    small = reduced(problem, pinned)
    if small is None:
        return None
    try:
        found = _Walk(small, budget).run()
    except Spent:
        return None
    return None if found is None else tuple(small.places[place] for place in found)


class _Walk:
    """Depth first through the places in order, leaving early what can no longer give what is owed."""

    def __init__(self, small: Reduced, budget: Budget) -> None:
        self.problem, self.classes, self.budget = small.problem, small.classes, budget
        self.rows, self.pinned = self.problem.rows, sorted(small.pinned)
        self.rows_of: list[list[int]] = [[] for _ in range(self.problem.count)]
        for number, row in enumerate(self.rows):
            for place in row.places:
                self.rows_of[place].append(number)
        self.have = [0] * len(self.rows)
        self.owing = [number for number, row in enumerate(self.rows) if row.at_least > 0]
        self.groups = [self._groups_of(cover.groups) for cover in self.problem.covers]
        self.shown = [[0] * len(cover.groups) for cover in self.problem.covers]

    def _groups_of(self, groups: Sequence[Sequence[int]]) -> list[list[int]]:
        """For each place, the groups of a cover that it stands in."""
        found: list[list[int]] = [[] for _ in range(self.problem.count)]
        for number, places in enumerate(groups):
            for place in places:
                found[place].append(number)
        return found

    def run(self) -> list[int] | None:
        """The first lawful choice, or None. Raises Spent."""
        for place in self.pinned:
            if not self._fits(place):
                return None
            self._take(place, 1)
        return self._visit(0, list(self.pinned))

    def _visit(self, start: int, chosen: list[int]) -> list[int] | None:
        left = self.problem.size - len(chosen)
        if left < 0 or not self._can_still(left):
            return None
        if left == 0:
            return sorted(chosen)
        failed: set[int] = set()
        for place in range(start, self.problem.count):
            self.budget.step()
            if place in self.pinned or self.classes[place] in failed or not self._fits(place):
                continue
            self._take(place, 1)
            found = self._visit(place + 1, [*chosen, place])
            self._take(place, -1)
            if found is not None:
                return found
            failed.add(self.classes[place])
        return None

    def _fits(self, place: int) -> bool:
        return all(self.have[row] < self.rows[row].at_most for row in self.rows_of[place])

    def _take(self, place: int, by: int) -> None:
        for row in self.rows_of[place]:
            self.have[row] += by
        for groups, shown in zip(self.groups, self.shown, strict=True):
            for group in groups[place]:
                shown[group] += by

    def _can_still(self, left: int) -> bool:
        """Whether so many more places could bring what is owed, were they the ones that bring most."""
        if any(self.rows[row].at_least - self.have[row] > left for row in self.owing):
            return False
        for cover, groups, shown in zip(self.problem.covers, self.groups, self.shown, strict=True):
            missing = cover.at_least - sum(count > 0 for count in shown)
            if missing > left * max(map(len, groups), default=0):
                return False
        return True
