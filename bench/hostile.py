"""Hostile requests against a real server: nothing breaks, nothing waits, nothing grows.

The table of malformed requests, then requests by seed: hostile values at every place of valid bodies, bent bytes,
headers, addresses, and what only a raw socket can send. Two requests are begun before and never finished.

Run: python bench/hostile.py [--requests 10000] [--seed 1] [--check]
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.http_client import gunicorn, session_headers
from bench.memory import web_rss
from bench.timing import table, verdict
from bench.world import connect_to_demo

if TYPE_CHECKING:
    from bench.raw_requests import Wire

PERSON = "alex@demo.example"
SLOWEST_SECONDS, MEMORY_GROWTH = 2.0, 0.05
THREADS, HELD_OPEN = 4, 2
RAW_SHARE, PARTNERS_SHARE = 0.1, 0.3
WARM_UP = 10  # times everything that the server is for: each of its threads loads what it needs
FORGIVE_EVERY = 50  # so that rate limits do not answer in place of what is measured
NAMED = 10


class Tally:
    """What was answered, how slowly, and what should not have been."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.slowest, self.slowest_name = 0.0, ""
        self.broken: list[str] = []

    def add(self, name: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self.statuses[{0: "closed without an answer", -1: "no answer"}.get(status, f"{status // 100}xx")] += 1
        if status >= 500 or status < 0:
            self.broken.append(f"{status} to {name}")
        if seconds > self.slowest:
            self.slowest, self.slowest_name = seconds, name


def main() -> int:
    """Start a web process, send everything, and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--check", action="store_true", help="exit 1 when a target is missed")
    options = parser.parse_args()
    if options.requests < 2000:
        sys.exit("Ask for at least 2000 requests: the table alone has hundreds, and they warm the server up.")
    connect_to_demo()
    tally = Tally()
    with gunicorn(workers=1, threads=THREADS) as (port, pid), ExitStack() as held:
        before, after = load(port, pid, options.requests, options.seed, tally, held)
    return report(tally, before, after, check=options.check)


def load(port: int, pid: int, count: int, seed: int, tally: Tally, held: ExitStack) -> tuple[float, float]:
    """Send everything; return the megabytes of the web process after the table and at the end."""
    from django.core.cache import cache

    from bench.raw_requests import asked, held_open, of_hostile, ordinary
    from host.accounts.models import User
    from ranking.catalogue.models import Item
    from tests.host.hostile import requests
    from tests.host.hostile_partners import keys
    from tests.host.hostile_random import throttle_keys

    signed_in, held_keys = session_headers(PERSON), keys()
    counters = throttle_keys(User.objects.get(email=PERSON).pk)
    counters += throttle_keys(f"auditor-{held_keys['auditor'].partition('.')[0]}")
    counters += throttle_keys(f"source-{held_keys['source'].partition('.')[0]}")
    item = Item.objects.order_by("id")[0].pk
    for _ in range(HELD_OPEN):
        held.enter_context(closing(held_open(port, signed_in)))

    def send_all(wires: Iterator[Wire]) -> None:
        for number, wire in enumerate(wires):
            if number % FORGIVE_EVERY == 0:
                cache.delete_many(counters)
            tally.add(wire.name, *asked(port, wire))

    for wire in ordinary(signed_in) * WARM_UP:
        if not 200 <= asked(port, wire)[0] < 404:
            sys.exit(f"The server did not answer {wire.name} as it should: read .local/log/bench-web.log.")
    by_hand = [of_hostile(request, signed_in) for request in requests(item)]
    send_all(iter(by_hand))
    before = web_rss(pid)
    send_all(by_seed(item, signed_in, held_keys, seed, count - len(by_hand)))
    return before, web_rss(pid)


def by_seed(item: int, signed_in: dict[str, str], held_keys: dict[str, str], seed: int, count: int) -> Iterator[Wire]:
    """Mix what an HTTP client can send with what only a socket can; some come from those who hold keys."""
    from bench.raw_requests import of_hostile, raw
    from tests.host.hostile_partners import partners
    from tests.host.hostile_random import strewn

    dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
    people = strewn(item, seed=seed, count=count)
    key_holders = partners(held_keys, seed=seed, count=count)
    for _ in range(count):
        way = dice.random()
        if way < RAW_SHARE:
            yield raw(dice, signed_in)
        else:
            yield of_hostile(next(key_holders if way < RAW_SHARE + PARTNERS_SHARE else people), signed_in)


def report(tally: Tally, before: float, after: float, *, check: bool) -> int:
    """Print the table and the verdict."""
    growth = after / before - 1
    rows = [[name, f"{count:,}"] for name, count in sorted(tally.statuses.items())]
    rows += [
        ["requests", f"{sum(tally.statuses.values()):,}"],
        ["begun before and never finished", str(HELD_OPEN)],
        ["slowest answer", f"{tally.slowest:.2f} s ({tally.slowest_name})"],
        ["web process after the table of requests", f"{before:.0f} MB"],
        ["web process at the end", f"{after:.0f} MB ({growth:+.1%})"],
    ]
    table("Hostile requests", ["what", "how much"], rows)
    missed = []
    if tally.broken:
        missed.append(f"{len(tally.broken)} answers were 5xx, or did not come: {'; '.join(tally.broken[:NAMED])}")
    if tally.slowest > SLOWEST_SECONDS:
        missed.append(f"the slowest answer took {tally.slowest:.2f} s, more than {SLOWEST_SECONDS:.0f}")
    if growth >= MEMORY_GROWTH:
        missed.append(f"the web process grew by {growth:.1%}, not less than {MEMORY_GROWTH:.0%}")
    return verdict(missed, check=check)


if __name__ == "__main__":
    sys.exit(main())
