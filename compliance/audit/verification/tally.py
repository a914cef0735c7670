"""What a verification counts on its way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[str, int], None]
"""Hears what is being read, and how many of it were."""


@dataclass(kw_only=True)
class Tally:
    """Rows that were read, and events that are not there exactly once."""

    records: int = 0
    acts: int = 0
    lost: int = 0
    duplicated: int = 0

    def merge(self, other: Tally) -> None:
        """Add what another process counted."""
        self.records += other.records
        self.acts += other.acts
        self.lost += other.lost
        self.duplicated += other.duplicated


def silent(what: str, done: int) -> None:
    """Progress that nobody watches."""
