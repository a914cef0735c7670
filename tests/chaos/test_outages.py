"""While the database is away or a disk is full, nothing unrecorded is served, and all comes back by itself."""

from __future__ import annotations

from tests.chaos.running import bench


def test_every_outage_is_refused_in_words_and_ends_by_itself() -> None:
    said = bench("bench/outage.py", "--seconds", "3", "--unscored", CLERESTORY_OUTBOX_SWEEP_SECONDS="2")
    assert "lists that were served and are not on record: 0; faults of `audit verify`: 0" in said
    assert "All targets met." in said
