"""How much work one repair may be: counted in what is done, never in seconds, so that a replay stops where it did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MOST_WORK: Final = 400_000
"""Numbers that one repair may hand to the solver, over all its parts; see docs/principles.md for what that takes."""
MOST_NODES: Final = 20_000
"""Places that the search for a lawful list may look at, for each length that it tries."""


class Spent(RuntimeError):
    """The budget is spent: what was not settled stays open."""


@dataclass
class Budget:
    """What is left for one repair."""

    work: int
    nodes: int = 0

    def solve(self, numbers: int) -> None:
        """Count a problem of so many numbers. Raises Spent."""
        self.work -= numbers
        if self.work < 0:
            raise Spent("The repair was not proved within its budget.")

    def step(self) -> None:
        """Count a place looked at. Raises Spent."""
        self.nodes -= 1
        if self.nodes < 0:
            raise Spent("No lawful list was met within the budget.")


def budget() -> Budget:
    """A fresh one."""
    return Budget(work=MOST_WORK)
