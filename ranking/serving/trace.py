"""The read trace: which classes of data a slate was computed from, and the guard that stops every other read."""

from __future__ import annotations

from typing import Final

from ranking.serving import signals
from ranking.serving.errors import ReadNotAllowed

FEATURE_READS: Final = {
    "observed.opens": signals.OPENS,
    "observed.likes": signals.LIKES,
    "observed.watch_time": signals.WATCH_TIME,
    "observed.explicit": signals.EXPLICIT,
    "declared.profile": "profile",
    "declared.follows": "follows",
    "declared.region": "location",
}
"""Reads about a person, and the feature a plan must allow for each."""
FREE_READS: Final = (
    "catalogue.items",
    "catalogue.popularity",
    "catalogue.essential",
    "declared.hidden_items",
    "declared.mutes",
    "declared.notice_region",
)
"""Reads that every plan allows: of a person what they declared, and their coarse region for notices alone.

What is in neither list is not read at all.
"""


class ReadTrace:
    """Notes each class of data once, in order, before it is read."""

    def __init__(self, features: frozenset[str]) -> None:
        self._features = features
        self._reads: list[str] = []

    def read(self, what: str) -> None:
        """Note a read. Raises ReadNotAllowed when it is about the person and the plan does not allow it."""
        needed = FEATURE_READS.get(what)
        if what not in FREE_READS and needed not in self._features:
            raise ReadNotAllowed(f"The plan does not allow {needed!r}, so {what} is not read: ask for another order.")
        if what not in self._reads:
            self._reads.append(what)

    @property
    def reads(self) -> tuple[str, ...]:
        """What was read so far."""
        return tuple(self._reads)
