"""Ten times more requests than the web can answer: who is answered is answered in time, and everybody else at once.

Run: python bench/overload.py [--seconds 20] [--check]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.chaos.house import House, Person, fresh_database, open_house, scratch_home
from bench.timing import table, verdict

SHARE, TIMES, SLOWER = 0.6, 10, 2.0
CLOSED_LOOP, PATIENCE_SECONDS = 6, 30.0
SLATE = json.dumps({"surface": "home"}).encode()


@dataclass
class Load:
    """What a stretch of requests was answered."""

    offered: float
    seconds: float
    accepted_ms: list[float] = field(default_factory=list)
    shed_ms: list[float] = field(default_factory=list)
    served: list[str] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)

    def p(self, share: float) -> float:
        """A percentile of the accepted, in milliseconds."""
        return float(np.percentile(self.accepted_ms, share)) if self.accepted_ms else float("inf")


def main() -> int:
    """Find the rate that can be sustained, then offer ten times as much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each of the two loads")
    parser.add_argument("--home", type=Path, help="a home of an earlier run, to begin sooner (default: a new one)")
    parser.add_argument("--unscored", action="store_true", help="no live model: everything starts sooner")
    parser.add_argument("--check", action="store_true", help="exit 1 when a target is missed")
    options = parser.parse_args()
    with scratch_home(options.home) as home, open_house(home, scored=not options.unscored) as house:
        asyncio.run(closed(house, 5.0))  # loads what every thread needs
        capacity = asyncio.run(closed(house, 10.0))
        sustained = asyncio.run(open_loop(house, SHARE * capacity, options.seconds))
        flooded = asyncio.run(open_loop(house, TIMES * SHARE * capacity, options.seconds))
        unrecorded = count_unrecorded([*sustained.served, *flooded.served])
    return report(capacity, sustained, flooded, unrecorded, check=options.check)


async def closed(house: House, seconds: float) -> float:
    """Slates a second when a few people ask again as soon as they are answered."""
    load = Load(offered=0, seconds=seconds)
    until = time.perf_counter() + seconds

    async def person(one: Person) -> None:
        while time.perf_counter() < until:
            await ask(house.port, one, load, time.perf_counter())

    await asyncio.gather(*(person(one) for one in house.people[:CLOSED_LOOP]))
    return len(load.served) / seconds


async def open_loop(house: House, rate: float, seconds: float) -> Load:
    """Requests of many people at random moments, whether or not earlier ones were answered."""
    load, dice = Load(offered=rate, seconds=seconds), random.Random(1)  # noqa: S311 - repeatable, not secret
    began, due = time.perf_counter(), 0.0
    asked: list[asyncio.Task[None]] = []
    people = house.people
    while due < seconds:
        await asyncio.sleep(max(0.0, began + due - time.perf_counter()))
        asked.append(asyncio.create_task(ask(house.port, people[len(asked) % len(people)], load, began + due)))
        due += dice.expovariate(rate)
    await asyncio.gather(*asked)
    return load


async def ask(port: int, person: Person, load: Load, due: float) -> None:
    """One request on a connection of its own; timed from when it was due."""
    try:
        status, headers, content = await asyncio.wait_for(_exchange(port, person), PATIENCE_SECONDS)
    except (OSError, TimeoutError, ValueError, IndexError) as error:
        load.statuses[f"no answer ({type(error).__name__})"] += 1
        return
    took = (time.perf_counter() - due) * 1e3
    if status == 200:
        load.accepted_ms.append(took)
        load.served.append(json.loads(content)["serve_id"])
        load.statuses["200"] += 1
    elif status in (429, 503) and b"retry-after:" in headers.lower():
        load.shed_ms.append(took)
        load.statuses[f"{status} with Retry-After"] += 1
    else:
        load.statuses[f"{status}, which is wrong"] += 1


async def _exchange(port: int, person: Person) -> tuple[int, bytes, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        lines = [f"{name}: {value}" for name, value in person.headers.items()]
        head = ["POST /api/v1/feed HTTP/1.1", "Host: localhost", "Connection: close", f"Content-Length: {len(SLATE)}"]
        writer.write("\r\n".join([*head, *lines, "", ""]).encode() + SLATE)
        headers, _, content = (await reader.read()).partition(b"\r\n\r\n")
        return int(headers.split(b" ", 2)[1]), headers, content
    finally:
        writer.close()


def count_unrecorded(served: list[str]) -> int:
    """How many of the lists that people got are not on record."""
    with fresh_database() as database:
        question = (
            "SELECT count(*) FROM unnest(%s::uuid[]) AS given (id) "
            "WHERE NOT EXISTS (SELECT FROM audit_serverecord WHERE audit_serverecord.id = given.id)"
        )
        return int(database.execute(question, [served]).fetchone()[0])


def report(capacity: float, sustained: Load, flooded: Load, unrecorded: int, *, check: bool) -> int:
    """Print the table and the verdict."""
    head = ["load", "offered a second", "answered", "shed", "accepted p50", "p99", "shed p99"]
    table(f"Overload: {TIMES} times the sustained rate ({capacity:.0f} lists a second at most)", head,
          [row("sustained", sustained), row("flooded", flooded)])  # fmt: skip
    print(f"\nflooded: {', '.join(f'{count} x {what}' for what, count in sorted(flooded.statuses.items()))}")
    print(f"lists that were served and are not on record: {unrecorded}")
    slower = flooded.p(99) / sustained.p(99)
    wrong = {what: count for load in (sustained, flooded) for what, count in load.statuses.items()
             if what != "200" and "Retry-After" not in what}  # fmt: skip
    missed = []
    if slower > SLOWER:
        missed.append(f"p99 of the accepted is {slower:.1f} times that at the sustained rate, not {SLOWER:.0f}")
    if not flooded.shed_ms:
        missed.append("nothing was shed")
    if wrong:
        missed.append(f"other answers came: {wrong}")
    if unrecorded:
        missed.append(f"{unrecorded} lists that were served are not on record")
    return verdict(missed, check=check)


def row(name: str, load: Load) -> list[str]:
    """One load's line."""
    shed = f"{np.percentile(load.shed_ms, 99):.0f} ms" if load.shed_ms else "-"
    return [name, f"{load.offered:.0f}", f"{len(load.served) / load.seconds:.0f} a second", str(len(load.shed_ms)),
            f"{load.p(50):.0f} ms", f"{load.p(99):.0f} ms", shed]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
