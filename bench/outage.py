"""A database that is away and disks that are full: no list leaves unrecorded, and everything comes back by itself.

Run: python bench/outage.py [--seconds 60] [--only NAME ...] [--check]
Full disks are small memory file systems, which only root can make; elsewhere those rows say that they were not run.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.chaos.engines import broker, kill, postgres, postmaster
from bench.chaos.history import read
from bench.chaos.house import House, fresh_database, open_house, scratch_home, wait_for
from bench.chaos.judge import left_behind, verify
from bench.chaos.visitors import visitors
from bench.timing import table, verdict

BACK_SECONDS, SWEPT_SECONDS = 30.0, 120.0
VISITORS, BETWEEN_LISTS = 12, 0.5  # more than the places of all web processes, which a halted database takes
DATA_MEGABYTES, TILES_MEGABYTES = 400, 24
COME_BACK = (429, 503)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One outage: what was answered while it lasted, and how long everything took to come back."""

    name: str
    statuses: Counter[int]
    back: float
    limit: float = BACK_SECONDS
    expects_refusals: bool = True


def main() -> int:
    """Every outage in turn, in one house."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each outage")
    parser.add_argument("--only", nargs="+", choices=sorted(OUTAGES), default=sorted(OUTAGES))
    parser.add_argument("--unscored", action="store_true", help="no live model: everything starts sooner")
    parser.add_argument("--check", action="store_true", help="exit 1 when a target is missed")
    options = parser.parse_args()
    skipped = [name for name in options.only if name in NEEDS_MOUNTS and not may_mount()]
    wanted = [name for name in options.only if name not in skipped]
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(scratch_home())
        stack.enter_context(small_disks(home, [name for name in wanted if name in NEEDS_MOUNTS]))
        house = stack.enter_context(open_house(home, scored=not options.unscored))
        house.new_histories()
        found = [run(house, name, options.seconds) for name in wanted]
        wait_for(lambda: settled(time.time()), SWEPT_SECONDS, "work is still waiting")
        unaudited, faults = count_unaudited(house), verify()
    return report(found, skipped, unaudited, faults, check=options.check)


def run(house: House, name: str, seconds: float) -> Outcome:
    """One outage under visitors; it ends when lists are served again."""
    expects, limit, outage = OUTAGES[name]
    with visitors(house, VISITORS, BETWEEN_LISTS) as statuses:
        wait_for(lambda: statuses[200] >= VISITORS, BACK_SECONDS, "the house did not serve to begin with")
        statuses.clear()
        with outage(house):
            time.sleep(seconds)
            during = Counter(statuses)
        ended = time.time()
        back = seconds_until(lambda: has_come_back(house, name, ended), 4 * limit)
    return Outcome(name=name, statuses=during, back=back, limit=limit, expects_refusals=expects)


def seconds_until(condition: Callable[[], bool], patience: float) -> float:
    """How long it took until a condition held; infinite when it never did."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > patience:
            return float("inf")
        time.sleep(0.1)
    return time.monotonic() - began


def has_come_back(house: House, name: str, ended: float) -> bool:
    """Whether a list that was asked for after the outage was served; after some, what waited is done too."""
    served = any(answer.began > ended for answer in read(house.histories) if answer.kind == "slate")
    return served and (name not in WAITS_FOR_WORK or settled(ended))


def settled(moment: float) -> bool:
    """Whether nothing from before a moment waits for the sequencer or the worker."""
    import psycopg

    from host.engines import EngineError

    with contextlib.suppress(psycopg.Error, EngineError), fresh_database() as database:
        return left_behind(database, moment) == 0
    return False


@contextlib.contextmanager
def stopped(house: House) -> Iterator[None]:
    """PostgreSQL neither answers nor ends: every process of it is halted."""
    halted = postgres(house.home)
    for process in halted:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in halted:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)


@contextlib.contextmanager
def killed(house: House) -> Iterator[None]:
    """PostgreSQL is killed again and again, as often as anybody starts it."""
    over = threading.Event()

    def keep_down() -> None:
        while not over.wait(0.02):
            for process in postmaster(house.home):
                kill(process)

    thread = threading.Thread(target=keep_down)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextlib.contextmanager
def wiped(house: House) -> Iterator[None]:
    """The broker loses everything and is killed, while much work is waiting: only the sweeper knows of it then."""
    import redis
    from django.db import transaction

    from host.engines.paths import paths_for
    from host.outbox import services

    house.kill("worker")
    for number in range(200):
        with transaction.atomic():
            services.enqueue(task="refresh_popularity", key=f"wiped-{time.time_ns()}-{number}", arguments={})
    redis.Redis(unix_socket_path=str(paths_for(house.home).broker_socket)).flushall()
    for process in broker(house.home):
        kill(process)
    yield


def full(folder: Callable[[Path], Path]) -> Callable[[House], contextlib.AbstractContextManager[None]]:
    """The disk of a folder is full to the last byte."""

    @contextlib.contextmanager
    def outage(house: House) -> Iterator[None]:
        ballast = folder(house.home) / "ballast"
        fill(ballast)
        try:
            yield
        finally:
            ballast.unlink()

    return outage


def fill(ballast: Path) -> None:
    """Write until there is no space left, then take what has become free since, for a while."""
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 4096)


def data_folder(home: Path) -> Path:
    """Where PostgreSQL's data lie."""
    from host.engines.paths import paths_for

    return paths_for(home).postgres


def tile_folder(home: Path) -> Path:
    """Where the log's tiles lie."""
    return home / "audit-log"


def may_mount() -> bool:
    """Whether this process may mount a memory file system."""
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["/bin/mount", "-t", "tmpfs", "none", folder], capture_output=True, check=False)  # noqa: S603
        if done.returncode == 0:
            subprocess.run(["/bin/umount", folder], check=True)  # noqa: S603
    return done.returncode == 0


@contextlib.contextmanager
def small_disks(home: Path, names: list[str]) -> Iterator[None]:
    """Memory file systems of a few megabytes where the named outages need them."""
    with contextlib.ExitStack() as stack:
        for name in names:
            folder, megabytes = DISKS[name]
            path = folder(home)
            path.mkdir(parents=True, exist_ok=True)
            command = ["/bin/mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "none", str(path)]
            subprocess.run(command, check=True)  # noqa: S603
            stack.callback(subprocess.run, ["/bin/umount", "--lazy", str(path)], check=True)
        yield


def count_unaudited(house: House) -> int:
    """How many of the lists that people got are not on record."""
    served = [each for answer in read(house.histories) if answer.kind == "slate" for each in answer.ids]
    with fresh_database() as database:
        question = (
            "SELECT count(*) FROM unnest(%s::uuid[]) AS given (id) "
            "WHERE NOT EXISTS (SELECT FROM audit_serverecord WHERE audit_serverecord.id = given.id)"
        )
        return int(database.execute(question, [served]).fetchone()[0])


# Whether requests must be refused meanwhile, how soon all is back, and what happens.
OUTAGES: dict[str, tuple[bool, float, Callable[[House], contextlib.AbstractContextManager[None]]]] = {
    "database halted (SIGSTOP)": (True, BACK_SECONDS, stopped),
    "database killed, kept down": (True, BACK_SECONDS, killed),
    "disk of the database full": (True, BACK_SECONDS, full(data_folder)),
    "disk of the tiles full": (False, BACK_SECONDS, full(tile_folder)),
    "broker wiped and killed": (False, SWEPT_SECONDS, wiped),
}
DISKS = {
    "disk of the database full": (data_folder, DATA_MEGABYTES),
    "disk of the tiles full": (tile_folder, TILES_MEGABYTES),
}
NEEDS_MOUNTS = tuple(DISKS)
WAITS_FOR_WORK = ("disk of the tiles full", "broker wiped and killed")


def report(found: list[Outcome], skipped: list[str], unaudited: int, faults: tuple[str, ...], *, check: bool) -> int:
    """Print the table and the verdict."""
    rows = [
        [
            one.name,
            ", ".join(f"{count} x {status or 'none'}" for status, count in sorted(one.statuses.items())),
            f"{one.back:.1f} s",
        ]
        for one in found
    ]
    table(
        "Outages", ["what", "answers meanwhile", "back after"], [*rows, *([name, "not run", "-"] for name in skipped)]
    )
    for name in skipped:
        print(f"\nNot run, because this process may not mount a file system: {name}.")
    print(f"\nlists that were served and are not on record: {unaudited}; faults of `audit verify`: {len(faults)}")
    missed = [f"{unaudited} lists that were served are not on record"] if unaudited else []
    missed += [f"`audit verify` names {len(faults)} faults: {' '.join(faults[:3])}"] if faults else []
    for one in found:
        if one.back > one.limit:
            missed.append(f"{one.name}: back after {one.back:.0f} s, more than {one.limit:.0f}")
        if one.expects_refusals and not any(one.statuses[status] for status in COME_BACK):
            missed.append(f"{one.name}: nobody was told to come back")
        if wrong := {status: count for status, count in one.statuses.items() if status >= 500 and status != 503}:
            missed.append(f"{one.name}: answered {wrong}")
    return verdict(missed, check=check)


if __name__ == "__main__":
    sys.exit(main())
