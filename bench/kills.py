"""kill -9 of everything, again and again, under load: is anything lost that was acknowledged, or anything there twice?

Run: python bench/kills.py [--kills 40] [--check] [--self-check] [--seed 1]; nightly: --kills 500
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.chaos.history import Acknowledged, read
from bench.chaos.house import RESTART_SECONDS, House, fresh_database, open_house, scratch_home, wait_for
from bench.chaos.judge import Judgement, judge, surplus, waiting
from bench.chaos.marks import Recovery, Watch, recovery_seconds
from bench.chaos.self_check import self_check
from bench.chaos.targets import TARGETS
from bench.chaos.visitors import visitors
from bench.timing import table, verdict

EVENTS_A_SECOND, SWEPT_SECONDS = 1000, 120.0
VISITORS, BETWEEN_LISTS = 3, 0.3
SETTLED_SECONDS, LOAD_SECONDS = 180.0, 5.0
WRITER = "writer.history"


def main() -> int:
    """Kill, wait until everything has recovered, and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--between", type=float, default=0.8, help="seconds under load before each kill, in the mean")
    parser.add_argument("--batch", type=int, default=250, help="events in one acknowledgement")
    parser.add_argument("--rate", type=float, default=3000, help="events a second that each load generator offers")
    parser.add_argument("--unscored", action="store_true", help="no live model: everything starts sooner")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--home", type=Path, help="a home of an earlier run, to begin sooner (default: a new one)")
    parser.add_argument("--self-check", action="store_true", help="with synchronous_commit=off: must find losses")
    parser.add_argument("--check", action="store_true", help="exit 1 when a target is missed")
    options = parser.parse_args()
    with scratch_home(options.home) as home:
        if options.self_check:
            return self_check(home, kills=options.kills, batch=options.batch)
        return run(home, options)


def run(home: Path, options: argparse.Namespace) -> int:
    """One run in an open house."""
    import os

    os.environ.setdefault("CLERESTORY_OUTBOX_SWEEP_SECONDS", "2")  # so that waiting for it is not what is measured
    with open_house(home, scored=not options.unscored) as house, Watch(house) as watch:
        with fresh_database() as database:
            before = surplus(database)
        folder = house.new_histories()
        began = time.time()
        with visitors(house, VISITORS, BETWEEN_LISTS) as statuses:
            for name, command in writer_commands(house, options).items():
                house.start(name, command)
            kills = kill_at_random(house, options.kills, options.between, options.seed)
            ended = time.time()
            wait_for(lambda: watch.recovered(kills, folder), SETTLED_SECONDS, "not everything came back")
        for name in writer_commands(house, options):
            house.stop(name)
        watch.leave()
        swept = wait_until_settled()
        watch.note_outbox()
        history = list(read(folder))
        judgement = judge(fresh_database(), history, before)
        print("answers to visitors:", ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items())))
    seconds = recovery_seconds(kills, history, watch)
    return report(judgement, kills, seconds, rate(history, began, ended), swept, check=options.check)


def writer_commands(house: House, options: argparse.Namespace) -> dict[str, list[str]]:
    """The load generators: decisions through the ingest API, and acts straight into the database."""
    command = [sys.executable, "-m", "bench.chaos.writer"]
    rates = ["--batch", str(options.batch), "--rate", str(options.rate)]
    through_api = ["--port", str(house.port), "--key", str(house.home / "source.key")]
    return {
        "writer": [*command, str(house.histories / WRITER), *rates, *through_api],
        "acts": [*command, str(house.histories / "acts.history"), *rates],
    }


def kill_at_random(house: House, count: int, between: float, seed: int) -> list[tuple[float, str]]:
    """Kill so many times under load, every target as often as the others; return when and what."""
    dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
    kills: list[tuple[float, str]] = []
    order: list[str] = []
    while len(kills) < count:
        wait_for_load(house)
        time.sleep(dice.uniform(0.0, 2 * between))
        order = order or dice.sample(sorted(TARGETS), len(TARGETS))
        name = order.pop(0)
        if TARGETS[name](house, dice):
            kills.append((time.time(), name))
        else:  # it has not come back yet
            order.append(name)
            time.sleep(RESTART_SECONDS)
    return kills


def wait_for_load(house: House) -> None:
    """Wait until something more was acknowledged, but not for ever: what is on its way back may be killed as well."""
    path = house.histories / WRITER
    size = path.stat().st_size if path.exists() else 0
    deadline = time.monotonic() + LOAD_SECONDS
    while time.monotonic() < deadline and (path.stat().st_size if path.exists() else 0) == size:
        time.sleep(0.02)


def wait_until_settled() -> float:
    """Wait until nothing waits for the sequencer or the worker; return the seconds it took."""
    database = fresh_database()
    return wait_for(lambda: waiting(database) == 0, SETTLED_SECONDS, "work is still waiting")


def rate(history: list[Acknowledged], began: float, ended: float) -> float:
    """Decisions and acts acknowledged a second between the first moment and the last kill, outages included."""
    return sum(len(a.ids) for a in history if a.kind in ("decision", "event") and a.ended <= ended) / (ended - began)


def report(
    found: Judgement,
    kills: list[tuple[float, str]],
    seconds: dict[str, list[Recovery]],
    rate: float,
    swept: float,
    *,
    check: bool,
) -> int:
    """Print the tables and the verdict."""
    counts: dict[str, int] = defaultdict(int)
    for _, name in kills:
        counts[name] += 1
    rows = [
        [
            name,
            str(counts[name]),
            f"{np.median([each[0] for each in took]):.1f} s",
            f"{max(took)[0]:.1f} s",
            max(took)[1],
        ]
        for name, took in sorted(seconds.items())
    ]
    table(f"{len(kills)} x kill -9", ["killed", "times", "recovery p50", "max", "which waited for"], rows)
    figures = [
        ["decisions acknowledged by the ingest API", f"{found.acknowledged['decision']:,}"],
        ["acts acknowledged by the database", f"{found.acknowledged['event']:,}"],
        ["both, a second, outages included", f"{rate:,.0f}"],
        ["lists served", f"{found.acknowledged['slate']:,}"],
        ["reactions acknowledged", f"{found.acknowledged['reaction']:,}"],
        ["acknowledged and lost", str(found.lost)],
        ["acknowledged and not in the log", str(found.unlogged)],
        ["there more than once", str(found.duplicated)],
        ["recorded, though the acknowledgement did not arrive", str(found.unacknowledged)],
        ["leaves signed", f"{found.leaves:,}"],
        ["the tiles' root is the signed one", "yes" if found.root_is_signed else "NO"],
        ["faults of `audit verify`", str(len(found.faults))],
        ["outbox work undone", str(found.undone)],
        ["queue and outbox empty after the last kill", f"{swept:.1f} s"],
    ]
    table("What was acknowledged, against rows and log", ["what", "how much"], figures)
    return verdict(missed(found, rate, swept), check=check)


def missed(found: Judgement, rate: float, swept: float) -> list[str]:
    """The targets that were not met."""
    wrong = [
        (found.lost or found.unlogged, f"{found.lost} acknowledged were lost, {found.unlogged} are not in the log"),
        (found.duplicated, f"{found.duplicated} are there more than once"),
        (found.faults, f"`audit verify` names {len(found.faults)} faults: {' '.join(found.faults[:3])}"),
        (not found.root_is_signed, "the tiles do not hash to the signed root"),
        (found.undone, f"{found.undone} pieces of outbox work were never done"),
        (rate < EVENTS_A_SECOND, f"{rate:,.0f} events a second were acknowledged, not {EVENTS_A_SECOND:,}"),
        (swept > SWEPT_SECONDS, f"the sweeper took {swept:.0f} s, more than {SWEPT_SECONDS:.0f}"),
        (not found.acknowledged["slate"], "no list was served at all"),
    ]
    return [sentence for is_wrong, sentence in wrong if is_wrong]


if __name__ == "__main__":
    sys.exit(main())
