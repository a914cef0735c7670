"""While the database is away or a disk is full, nothing unrecorded is served, and all comes back by itself."""

from __future__ import annotations

from tests.chaos.running import bench

# What a wiped broker does is in test_kills.py, and at the sweeper's real pace in the bench.
OUTAGES = (
    "database halted (SIGSTOP)", "database killed, kept down", "disk of the database full", "disk of the tiles full",
)  # fmt: skip


def test_an_outage_is_refused_in_words_and_ends_by_itself() -> None:
    said = bench("bench/outage.py", "--seconds", "3", "--unscored", "--only", *OUTAGES)
    assert "lists that were served and are not on record: 0; faults of `audit verify`: 0" in said
    assert "All targets met." in said
