"""From a bound to the best choice: a search in whole numbers through whatever the bound leaves open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from compliance.policy.constitution.highs import SCALE, Bound
from compliance.policy.constitution.reduced import Reduced

MOST_STEPS: Final = 1000
"""After so many steps the search gives up, and the problem is split instead."""


class TooLong(Exception):
    """The bound left too much open to go through it place by place."""


class Search:
    """Depth first in the ranker's order, taking before leaving: of equal sums, the earliest is met first."""

    def __init__(
        self,
        small: Reduced,
        worth: Sequence[int],
        bound: Bound,
        pinned: frozenset[int],
        shut: frozenset[int],
        target: int,
    ) -> None:
        """`target` is what a choice must at least be worth to be of interest."""
        self.worth, self.classes, self.target, self.steps = worth, small.classes, target, 0
        self.gains, self.prices, self.most = bound.gains, bound.prices, bound.most
        self.best: list[int] | None = None
        room = bound.most - target * SCALE
        fixed = pinned | shut
        self.open = [place for place, gain in enumerate(bound.gains) if place not in fixed and abs(gain) <= room]
        settled = fixed.union(self.open)
        self.taken = [
            place for place, gain in enumerate(bound.gains) if place in pinned or (place not in settled and gain > 0)
        ]
        self._count(small)

    def _count(self, small: Reduced) -> None:
        """For each row: how many places are taken, how many can be, and what that has to come to."""
        problem = small.problem
        rows = [(row.places, row.at_least, row.at_most) for row in problem.rows]
        rows.append((tuple(range(problem.count)), problem.size, problem.size))
        taken, opened = set(self.taken), set(self.open)
        self.rows_of: list[list[int]] = [[] for _ in range(problem.count)]
        for number, (places, _, _) in enumerate(rows):
            for place in places:
                self.rows_of[place].append(number)
        self.have = [len(taken.intersection(places)) for places, _, _ in rows]
        self.can = [have + len(opened.intersection(row[0])) for have, row in zip(self.have, rows, strict=True)]
        room = self.most - self.target * SCALE
        short = [room // price if price else None for price in (*self.prices, 0)]  # places a row may stay short of
        self.need = [
            low if most_short is None else max(low, high - most_short)
            for most_short, (_, low, high) in zip(short, rows, strict=True)
        ]
        self.limit = [high for _, _, high in rows]
        self.covers = [([frozenset(group) for group in cover.groups], cover.at_least) for cover in problem.covers]

    def run(self) -> list[int] | None:
        """The best choice that is worth the target, or None. Raises TooLong."""
        fits = all(have <= limit for have, limit in zip(self.have, self.limit, strict=True))
        if fits and all(can >= need for can, need in zip(self.can, self.need, strict=True)):
            self._visit(0, self.most, [], set())
        return self.best

    def _visit(self, depth: int, left: int, chosen: list[int], closed: set[int]) -> None:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise TooLong
        if depth == len(self.open):
            self._arrive(chosen)
            return
        place = self.open[depth]
        gain, rows, name = self.gains[place], self.rows_of[place], self.classes[place]
        if name not in closed:
            after = left + min(gain, 0)
            if after >= self.target * SCALE and all(self.have[row] < self.limit[row] for row in rows):
                self._take(place, rows, 1)
                self._visit(depth + 1, after, [*chosen, place], closed)
                self._take(place, rows, -1)
            closed = closed | {name}
        after = left - max(gain, 0)
        if after >= self.target * SCALE and all(self.can[row] > self.need[row] for row in rows):
            for row in rows:
                self.can[row] -= 1
            self._visit(depth + 1, after, chosen, closed)
            for row in rows:
                self.can[row] += 1

    def _take(self, place: int, rows: Sequence[int], by: int) -> None:
        for row in rows:
            self.have[row] += by

    def _arrive(self, chosen: list[int]) -> None:
        """Keep a choice that is better than any met before it."""
        places = sorted([*self.taken, *chosen])
        value = sum(self.worth[place] for place in places)
        if value < self.target or not all(_shown(groups, places) >= least for groups, least in self.covers):
            return
        self.best, self.target = places, value + 1


def _shown(groups: Sequence[frozenset[int]], places: Sequence[int]) -> int:
    return sum(not group.isdisjoint(places) for group in groups)
