"""What came out of many replays: counts by grade, environments, and every record that did not keep its promise."""

from __future__ import annotations

from collections import Counter
from typing import Any

from compliance.serving.replay.grades import Grade, Replay
from ranking.serving.environment import environment

Document = dict[str, Any]


class Report:
    """Counts replays as they come. Of those that kept their promise, only the numbers are kept."""

    def __init__(self) -> None:
        self.total = 0
        self.erased = 0
        self.identical = 0
        self.grades: Counter[Grade] = Counter()
        self.promised: Counter[Grade] = Counter()
        self.environment_differs: Counter[str] = Counter()
        self.largest_difference = 0.0
        self.broken: list[Replay] = []

    def add(self, outcome: Replay) -> None:
        """Count one replay."""
        self.total += 1
        self.environment_differs.update(outcome.environment_differs)
        if not outcome.kept:
            self.broken.append(outcome)
        if outcome.erased:
            self.erased += 1
            return
        self.identical += outcome.identical
        self.grades[outcome.grade] += 1
        self.promised[outcome.promised] += 1
        self.largest_difference = max(self.largest_difference, outcome.largest_difference or 0.0)

    @property
    def kept(self) -> bool:
        """Whether every record kept what it promised."""
        return not self.broken

    def summary(self) -> str:
        """One line for people."""
        grades = ", ".join(f"{count:,} {grade.value}" for grade, count in self._by_grade(self.grades))
        return (
            f"{self.total:,} replayed: {grades or 'none decided again'}; {self.erased:,} erased; "
            f"{self.identical:,} identical; {len(self.broken):,} broke what they promised; "
            f"largest difference of a score {self.largest_difference:.2g}"
        )

    def document(self) -> Document:
        """All of it without floats."""
        return {
            "replayed": self.total,
            "kept": self.kept,
            "grades": {grade.value: count for grade, count in self._by_grade(self.grades)},
            "promised": {grade.value: count for grade, count in self._by_grade(self.promised)},
            "erased": self.erased,
            "identical": self.identical,
            "largest_difference": f"{self.largest_difference:.3g}",
            "environment": environment(),
            "environment_differs": dict(sorted(self.environment_differs.items())),
            "broken": [outcome_document(outcome) for outcome in self.broken],
        }

    def _by_grade(self, counted: Counter[Grade]) -> list[tuple[Grade, int]]:
        return [(grade, counted[grade]) for grade in Grade if counted[grade]]


def outcome_document(outcome: Replay) -> Document:
    """One replay without floats."""
    largest = outcome.largest_difference
    return {
        "serve_id": outcome.serve_id,
        "grade": outcome.grade.value,
        "promised": outcome.promised.value,
        "kept": outcome.kept,
        "erased": outcome.erased,
        "largest_difference": None if largest is None else f"{largest:.3g}",
        "environment_differs": list(outcome.environment_differs),
        "only_close": list(outcome.only_close),
        "differences": [
            {"what": one.what, "recorded": one.recorded, "found": one.found} for one in outcome.differences
        ],
    }
