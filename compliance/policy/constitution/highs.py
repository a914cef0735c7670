"""HiGHS on a problem (Huangfu and Hall, Math. Prog. Comp. 2018): its choice, and its dual bound in whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from compliance.policy.constitution.rows import Problem

NEARLY: Final = 1e-6
SCALE: Final = 1 << 16
"""Multipliers are rounded to this part of a quantum. Any rounding gives a valid bound, only a looser one."""
SOLVED: Final = 0
INFEASIBLE: Final = 2
METHODS: Final = ("highs-ds", "highs-ipm")
"""The dual simplex method, and the interior point method where that gives up."""
MOST_NODES: Final = 1000
"""Parts that HiGHS may make of a problem by itself: a choice that it has then is one to beat."""

Floats = np.ndarray[Any, np.dtype[np.float64]]


class SolverFailed(RuntimeError):
    """HiGHS came to no answer."""


@dataclass(frozen=True, kw_only=True)
class Bound:
    """No choice is worth more than `most` / SCALE. A choice that takes a place of negative gain, or leaves one of
    positive gain, is worth at least that gain less than `most`.
    """

    most: int
    gains: tuple[int, ...]
    prices: tuple[int, ...]  # of each row: what a choice loses for every place short of the row's `at_most`


@dataclass(frozen=True, kw_only=True)
class Relaxed:
    """The relaxation's answer: how much of each place it takes, and the bound that its multipliers give."""

    taken: Floats
    bound: Bound

    @property
    def whole(self) -> bool:
        """Whether it takes whole places only: then it is a best choice."""
        return bool(np.abs(self.taken - np.round(self.taken)).max() <= NEARLY)


@dataclass(frozen=True, kw_only=True)
class System:
    """The problem as arrays: upper @ x <= limits and sum of places = size, places first, then a column a group."""

    problem: Problem
    worth: Sequence[int]

    @cached_property
    def columns(self) -> int:
        """Places and groups of covers."""
        return self.problem.count + sum(len(cover.groups) for cover in self.problem.covers)

    @cached_property
    def entries(self) -> list[tuple[tuple[int, ...], tuple[int, ...], int, int | None]]:
        """Each inequality: columns counted with +1 and with -1, the sum's limit, and whose row's `at_most` it is."""
        found: list[tuple[tuple[int, ...], tuple[int, ...], int, int | None]] = []
        for number, row in enumerate(self.problem.rows):
            if len(row.places) > row.at_most:
                found.append((row.places, (), row.at_most, number))
            if row.at_least > 0:
                found.append(((), row.places, -row.at_least, None))
        column = self.problem.count
        for cover in self.problem.covers:
            first = column
            for group in cover.groups:
                found.append(((column,), group, 0, None))
                column += 1
            found.append(((), tuple(range(first, column)), -cover.at_least, None))
        return found

    @cached_property
    def upper(self) -> Any:
        """The left sides of the inequalities (sparse)."""
        from scipy.sparse import csr_array

        columns = [column for plus, minus, _, _ in self.entries for column in (*plus, *minus)]
        values = [value for plus, minus, _, _ in self.entries for value in (*(1,) * len(plus), *(-1,) * len(minus))]
        ends = np.cumsum([0, *(len(plus) + len(minus) for plus, minus, _, _ in self.entries)])
        return csr_array((np.array(values, float), np.array(columns, int), ends), (len(self.entries), self.columns))

    @property
    def numbers(self) -> int:
        """How many numbers the solver is given."""
        return self.columns + int(self.upper.nnz if self.entries else 0)

    @cached_property
    def total(self) -> Floats:
        """The one equation: so many places are taken."""
        return np.array([[1.0] * self.problem.count + [0.0] * (self.columns - self.problem.count)])

    @cached_property
    def cost(self) -> Floats:
        """What is made least: the worth lost."""
        return np.array([-float(one) for one in self.worth] + [0.0] * (self.columns - self.problem.count))

    def relax(self, pinned: frozenset[int], shut: frozenset[int]) -> Relaxed | None:
        """Solve without asking for whole places; None where nothing fits. Raises SolverFailed."""
        from scipy.optimize import linprog

        limits = [limit for _, _, limit, _ in self.entries]
        for method in METHODS:
            found = linprog(
                self.cost,
                A_ub=self.upper if limits else None,
                b_ub=limits or None,
                A_eq=self.total,
                b_eq=[self.problem.size],
                bounds=self._between(pinned, shut),
                method=method,
            )
            if found.status in (SOLVED, INFEASIBLE):
                break
        if found.status == INFEASIBLE:
            return None
        if found.status != SOLVED:
            raise SolverFailed(f"The relaxed repair was not solved: {found.message}")
        return Relaxed(
            taken=found.x[: self.problem.count],
            bound=self.bound(found.ineqlin.marginals, float(found.eqlin.marginals[0]), pinned, shut),
        )

    def whole(self, pinned: frozenset[int]) -> list[int] | None:
        """HiGHS's best choice of whole places; None where there is none. Raises SolverFailed."""
        from scipy.optimize import Bounds, LinearConstraint, milp

        between = self._between(pinned, frozenset())
        constraints = [LinearConstraint(self.total, self.problem.size, self.problem.size)]
        if self.entries:
            constraints.append(LinearConstraint(self.upper, -np.inf, [limit for _, _, limit, _ in self.entries]))
        found = milp(
            self.cost,
            integrality=self.total[0],
            bounds=Bounds(between[:, 0], between[:, 1]),
            constraints=constraints,
            options={"mip_rel_gap": 0.0, "node_limit": MOST_NODES},
        )
        if found.status == INFEASIBLE:
            return None
        if found.x is None:
            raise SolverFailed(f"The repair was not solved: {found.message}")
        return [int(place) for place in np.flatnonzero(np.round(found.x[: self.problem.count]))]

    def _between(self, pinned: frozenset[int], shut: frozenset[int]) -> Floats:
        between = np.tile(np.array([0.0, 1.0]), (self.columns, 1))
        between[sorted(pinned), 0] = 1
        between[sorted(shut), 1] = 0
        return between

    def bound(self, marginals: Floats, of_size: float, pinned: frozenset[int], shut: frozenset[int]) -> Bound:
        """The Lagrangian bound of these multipliers, in whole numbers: valid whatever floats they came from."""
        free = round(-of_size * SCALE)
        gains = [one * SCALE - free for one in self.worth] + [0] * (self.columns - self.problem.count)
        most = free * self.problem.size
        prices = [0] * len(self.problem.rows)
        for marginal, (plus, minus, limit, number) in zip(marginals, self.entries, strict=True):
            price = max(0, round(-float(marginal) * SCALE))
            if price:
                most += price * limit
                if number is not None:
                    prices[number] = price
                for column in plus:
                    gains[column] -= price
                for column in minus:
                    gains[column] += price
        for column, gain in enumerate(gains):
            if column in pinned or (gain > 0 and column not in shut):
                most += gain
        return Bound(most=most, gains=tuple(gains[: self.problem.count]), prices=tuple(prices))
