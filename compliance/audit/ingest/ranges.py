"""Sequence numbers as contiguous ranges: what has come, and which numbers below the highest have not.

Pure: pairs (first, last), both included, sorted, neither overlapping nor touching.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Range = tuple[int, int]


def runs(numbers: Iterable[int]) -> list[Range]:
    """Distinct numbers as ranges."""
    return joined((number, number) for number in numbers)


def joined(ranges: Iterable[Range]) -> list[Range]:
    """The union of ranges: those that overlap or touch become one."""
    found: list[Range] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            if last > found[-1][1]:
                found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return found


def gaps(ranges: Sequence[Range]) -> list[Range]:
    """What lies between 1 and the highest number and has not come."""
    found, expected = [], 1
    for first, last in ranges:
        if first > expected:
            found.append((expected, first - 1))
        expected = last + 1
    return found


def common(some: Sequence[Range], others: Sequence[Range]) -> int:
    """How many numbers two lists of ranges share."""
    shared, place = 0, 0
    for first, last in some:
        while place < len(others) and others[place][1] < first:
            place += 1
        other = place
        while other < len(others) and others[other][0] <= last:
            shared += min(last, others[other][1]) - max(first, others[other][0]) + 1
            other += 1
    return shared


def size(ranges: Iterable[Range]) -> int:
    """How many numbers ranges hold."""
    return sum(last - first + 1 for first, last in ranges)
