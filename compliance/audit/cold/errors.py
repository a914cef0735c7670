"""What can go wrong in reading the cold tier. Apart from what reads it: Arrow and DuckDB take a second to load."""

from __future__ import annotations


class ColdDamaged(RuntimeError):
    """A file of the cold tier is missing, or does not hold what was exported."""


class TooMuch(RuntimeError):
    """A query needs more memory than it may have."""
