"""Precision and recall with their intervals, and the thresholds that are chosen from them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.int16]
Bools = npt.NDArray[np.bool_]
"""Legend for shape suffixes: N texts."""
NEVER = 1001
"""A threshold that no score reaches."""
_Z = 1.959963984540054


@dataclass(frozen=True, kw_only=True)
class Share:
    """A share of cases with Wilson's 95 % interval (Wilson 1927, JASA 22, 209-212)."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        """The share; NaN of nothing."""
        return self.hits / self.of if self.of else math.nan

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self._ends()[0]

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self._ends()[1]

    def _ends(self) -> tuple[float, float]:
        if not self.of:
            return 0.0, 1.0
        share, squared = self.value, _Z * _Z / self.of
        middle = (share + squared / 2) / (1 + squared)
        half = _Z * math.sqrt(share * (1 - share) / self.of + squared / (4 * self.of)) / (1 + squared)
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        """Value, interval and count, for tables."""
        if not self.of:
            return "of 0"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}] of {self.of:,}"


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """What a threshold gets right and wrong."""

    true_flagged: int
    true_missed: int
    false_flagged: int
    false_passed: int

    @property
    def precision(self) -> Share:
        """Of what is flagged, how much is the category."""
        return Share(hits=self.true_flagged, of=self.true_flagged + self.false_flagged)

    @property
    def recall(self) -> Share:
        """Of the category, how much is flagged."""
        return Share(hits=self.true_flagged, of=self.true_flagged + self.true_missed)

    @property
    def false_alarms(self) -> Share:
        """Of everything else, how much is flagged."""
        return Share(hits=self.false_flagged, of=self.false_flagged + self.false_passed)


def confusion(flagged_N: Bools, true_N: Bools) -> Confusion:
    """Count."""
    return Confusion(
        true_flagged=int((flagged_N & true_N).sum()),
        true_missed=int((~flagged_N & true_N).sum()),
        false_flagged=int((flagged_N & ~true_N).sum()),
        false_passed=int((~flagged_N & ~true_N).sum()),
    )


def for_recall(score_N: Scores, true_N: Bools, recall: float) -> int:
    """The highest threshold that keeps this recall."""
    positive = np.sort(score_N[true_N])[::-1]
    return int(positive[min(len(positive), math.ceil(recall * len(positive))) - 1])


def for_precision(score_N: Scores, true_N: Bools, precision: float, *, least: int) -> int:
    """The lowest threshold from which on precision holds over at least `least` flagged texts; NEVER where none does."""
    for threshold in range(1001):
        flagged_N = score_N >= threshold
        if int(flagged_N.sum()) < least:
            return NEVER
        if confusion(flagged_N, true_N).precision.value >= precision:
            return threshold
    return NEVER


def for_f1(score_N: Scores, true_N: Bools) -> int:
    """The lowest threshold with the highest F1."""

    def f1(threshold: int) -> float:
        found = confusion(score_N >= threshold, true_N)
        return 2 * found.true_flagged / max(2 * found.true_flagged + found.true_missed + found.false_flagged, 1)

    return max(range(1001), key=lambda threshold: (f1(threshold), -threshold))


def auc(score_N: Scores, true_N: Bools) -> float:
    """The chance that a text of the category scores above another one, ties counting half (Mann-Whitney)."""
    from scipy.stats import rankdata

    positives = int(true_N.sum())
    negatives = len(true_N) - positives
    if not positives or not negatives:
        return math.nan
    ranks: float = float(rankdata(score_N)[true_N].sum())
    return (ranks - positives * (positives + 1) / 2) / (positives * negatives)
