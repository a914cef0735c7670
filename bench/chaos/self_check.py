"""Can the kill bench fail at all? With commits that do not wait for the disk, a killed PostgreSQL must lose some."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

from bench.chaos.engines import kill_all_of_postgres
from bench.chaos.history import read
from bench.chaos.house import House, fresh_database, open_house, wait_for
from bench.chaos.judge import found_rows

SAFE_AGAIN = ("ALTER ROLE CURRENT_USER RESET synchronous_commit", "ALTER SYSTEM RESET ALL")
# A killed process loses what lies in its own memory only: the writer of the log must not empty that first.
UNSAFE = (
    "ALTER ROLE CURRENT_USER SET synchronous_commit = off",
    "ALTER SYSTEM SET wal_writer_delay = '10s'",
    "ALTER SYSTEM SET wal_writer_flush_after = '1GB'",
)


def self_check(home: Path, *, kills: int, batch: int) -> int:
    """Kill PostgreSQL whole, right after acknowledgements, until something is lost. Exits 1 when nothing ever is."""
    with open_house(home, scored=False, only=()) as house:
        database = fresh_database()
        for setting in UNSAFE:
            database.execute(setting)
        database.execute("SELECT pg_reload_conf()")
        database.close()
        folder = house.new_histories()
        command = [sys.executable, "-m", "bench.chaos.writer", str(folder / "self-check.history")]
        house.start("writer", [*command, "--batch", str(batch), "--rate", "20000"])
        lost, acknowledged = rounds(house, folder, kills)
    print(f"synchronous_commit=off: {lost:,} of {acknowledged:,} acknowledged events were lost in {kills} kills.")
    if not lost:
        print("MISSED: the bench found no loss where there must be some: it could not find one elsewhere either.")
        return 1
    print("The bench finds what is lost.")
    return 0


def rounds(house: House, folder: Path, kills: int) -> tuple[int, int]:
    """Kill so many times, each after new acknowledgements; (lost, acknowledged)."""
    dice = random.Random(1)  # noqa: S311 - repeatable, not secret
    for _ in range(kills):
        before = len(list(read(folder)))
        wait_for(lambda seen=before: len(list(read(folder))) > seen + 3, 60, "nothing was acknowledged")  # type: ignore[misc]
        time.sleep(dice.random())
        kill_all_of_postgres(house.home)
    house.stop("writer")
    database = fresh_database()
    for setting in SAFE_AGAIN:
        database.execute(setting)
    ids = [each for answer in read(folder) for each in answer.ids]
    lost, _ = found_rows(database, ids, "audit_auditevent", "id")
    return lost, len(ids)
