"""A source's sequence numbers on record, as ranges: read and written under the source's lock."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from compliance.audit.ingest.batch import BatchRefused
from compliance.audit.ingest.models import IngestRange
from compliance.audit.ingest.ranges import Range, common, gaps, joined, runs, size

MOST_RANGES: Final = 10_000
"""A source with more open gaps than this closes some before it goes on."""


class Wanted:
    """The ranges that a batch's numbers touch. Made and used in one transaction that holds the source."""

    def __init__(self, *, source: str, numbers: Sequence[int]) -> None:
        self._source = source
        touched = IngestRange.objects.filter(
            source=source, last__gte=min(numbers) - 1, first__lte=max(numbers) + 1
        ).order_by("first")
        self._ranges: list[Range] = list(touched.values_list("first", "last"))
        self.seen = common(runs(numbers), self._ranges) > 0

    def __contains__(self, number: int) -> bool:
        place = bisect_right(self._ranges, (number, float("inf")))
        return place > 0 and self._ranges[place - 1][1] >= number

    def add(self, numbers: Sequence[int]) -> None:
        """Write that these numbers have come. Raises BatchRefused where that leaves too many gaps."""
        if not numbers:
            return
        after = joined([*self._ranges, *runs(numbers)])
        others = IngestRange.objects.filter(source=self._source)
        if len(after) > len(self._ranges) and others.count() - len(self._ranges) + len(after) > MOST_RANGES:
            raise BatchRefused(
                f"This source has more than {MOST_RANGES:,} gaps between its numbers, so nothing was written. "
                "Send what is missing first.",
                conflict=True,
            )
        gone, new = set(self._ranges) - set(after), set(after) - set(self._ranges)
        others.filter(first__in=[first for first, _ in gone]).delete()
        IngestRange.objects.bulk_create(
            [IngestRange(source=self._source, first=first, last=last) for first, last in sorted(new)]
        )


def ranges_of(source: str) -> list[Range]:
    """All ranges of a source, in order."""
    return list(IngestRange.objects.filter(source=source).order_by("first").values_list("first", "last"))


def missing(source: str) -> tuple[list[Range], int]:
    """The gaps below a source's highest number, and how many numbers they hold."""
    found = gaps(ranges_of(source))
    return found, size(found)
