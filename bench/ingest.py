"""Decisions of another ranker: bare binary COPY, the ingest service, and the API over HTTP, taking turns in one run.

Bare COPY writes the very rows that the service would write, sealed before the clock starts: records and queue, one
commit a batch. The service judges, seals and writes them in this process. The API does that behind gunicorn with one
worker, over one kept connection and over two, of which the better is judged; bodies are made by the Python client's
own code before the clock starts. Everything happens on a PostgreSQL of its own in a temporary folder, and the tables
are emptied between turns.

Run: python bench/ingest.py [--events 10000] [--rounds 5] [--people 4000] [--check]
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "platform"), str(ROOT / "clients" / "python")]

import numpy as np  # noqa: E402

from bench.timing import table, verdict  # noqa: E402

if TYPE_CHECKING:
    from compliance.audit.ingest.sources import Source

LEAST_SHARE: Final = 0.3
BATCH: Final = 2_000
TABLES: Final = "audit_serverecord, audit_logqueue, audit_ingestrange"
PREPARING: Final[dict[str, float]] = {}
"""Processor time that a turn used before its clock started."""
HEADS: Final = ("click", "finish", "like", "report")


def main() -> int:
    """Measure, print, and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000, help="decisions in a turn")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--people", type=int, default=4_000, help="how many people they are about")
    parser.add_argument("--check", action="store_true", help="exit 1 when the target is missed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="clerestory-bench-") as home:
        os.environ |= {"CLERESTORY_HOME": home, "DJANGO_SETTINGS_MODULE": "host.settings.demo", "OMP_NUM_THREADS": "1"}
        os.environ["CLERESTORY_INGEST_QUEUE"] = "10000000"
        return measure(options.events, options.rounds, options.people, check=options.check)


def measure(events: int, rounds: int, people: int, *, check: bool) -> int:
    """Take turns, print one table, and judge the API against bare COPY."""
    import gc

    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from bench.http_client import gunicorn
    from compliance.audit.ingest import sources

    key = sources.add(name="bench", service="bench", by="bench", why="measuring")
    source = sources.source_of(key)
    assert source is not None
    bodies = list(made_bodies(events, people))
    gc.collect()
    gc.freeze()
    found: dict[str, list[tuple[float, float]]] = {}
    with gunicorn(workers=1, threads=4) as (port, pid):
        turns: dict[str, Callable[[], float]] = {
            "bare binary COPY, rows sealed before": lambda: bare(source, bodies),
            "ingest service, in this process": lambda: service(source, bodies),
            "ingest API, 1 kept connection": lambda: api(port, key, bodies, connections=1),
            "ingest API, 2 kept connections": lambda: api(port, key, bodies, connections=2),
        }
        for number in range(rounds + 1):  # the first makes everybody's keys and warms everything up
            for name, turn in turns.items():
                emptied()
                before = spent(pid)
                seconds = turn()
                cpu = spent(pid) - before - PREPARING.pop("cpu", 0.0)
                assert counted() == events
                if number:
                    found.setdefault(name, []).append((events / seconds, cpu / events * 1e6))
    length = sum(map(len, bodies)) / events
    return report(found, f"{events:,} decisions a turn, {length:,.0f} B of JSON each, {people:,} people", check=check)


def report(found: dict[str, list[tuple[float, float]]], title: str, *, check: bool) -> int:
    """Print rates, shares and processor time; shares are medians over rounds, so that noise hits all alike."""
    rates = {name: np.array([rate for rate, _ in turns]) for name, turns in found.items()}
    cpu = {name: float(np.median([time for _, time in turns])) for name, turns in found.items()}
    first = next(iter(found))
    shares = {name: float(np.median(rate / rates[first])) for name, rate in rates.items()}
    rows = [
        [
            name,
            f"{np.median(rates[name]):,.0f}",
            f"{shares[name]:.2f}",
            f"{cpu[name]:.0f}",
            f"{cpu[first] / cpu[name]:.2f}",
        ]
        for name in found
    ]
    head = ["path", "decisions/s", "of bare COPY", "CPU us each, all processes", "bare COPY's of it"]
    table(f"Ingest: {title}", head, rows)
    best = max((name for name in found if name.startswith("ingest API")), key=shares.__getitem__)
    missed = [f"the API reaches {shares[best]:.2f} of bare COPY ({best}), less than {LEAST_SHARE}"]
    if shares[best] >= LEAST_SHARE:
        missed.clear()
    return verdict(missed, check=check)


def spent(web: int) -> float:
    """Seconds of processor time that this process, the web process and PostgreSQL's backends have used."""
    import psutil
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'")
        backends = [row[0] for row in cursor.fetchall()]
    served = psutil.Process(web)
    others = [served, *served.children(recursive=True), *map(psutil.Process, backends)]
    return time.process_time() + sum(sum(process.cpu_times()[:2]) for process in others)


def made_bodies(events: int, people: int) -> Iterator[bytes]:
    """Batches of decisions with 10 items and 4 heads, as the client sends them."""
    from clerestory_client.documents import Item, batch, document, uuid7

    draw = random.Random(7)  # noqa: S311 - repeatable, not secret
    who = [UUID(int=draw.getrandbits(128), version=4) for _ in range(people)]
    words = {"surface": "home", "feed_mode": "personalised", "tier": "adult", "jurisdiction": "EU"}
    now = int(time.time() * 1000)

    def one(number: int) -> str:
        items = [
            Item(
                f"tt{draw.randrange(10_000_000):07}",
                source=draw.choice(("similar", "following", "trending")),
                scores={head: round(draw.random(), 6) for head in HEADS},
                propensity=0.98,
            )
            for _ in range(10)
        ]
        return document(
            event_id=uuid7(now + number // 100),
            pseudonym=draw.choice(who),
            served_at_ms=now + number // 100,
            words=words,
            model=("two towers, November", "ab" * 32),
            items=items,
            reasons=["ranked by expected enjoyment"],
            parameters={"weights.like": "1.0", "weights.report": "-4.0"},
        )

    for start in range(0, events, BATCH):
        yield batch((number + 1, one(number)) for number in range(start, min(start + BATCH, events)))


def bare(source: Source, bodies: list[bytes]) -> float:
    """Seconds to copy rows in that were judged and sealed before."""
    import orjson
    from django.db import transaction

    from compliance.audit.ingest import services, writing
    from compliance.audit.ingest.batch import read_batch

    ready = []
    preparing = time.process_time()
    for body in bodies:
        read = read_batch(orjson.loads(body)["events"], service="bench", source="bench", now_ms=now_ms())
        keys = services._keys({one.pseudonym for one in read})
        ready.append((read, writing.seal_events(read, [keys[one.pseudonym] for one in read])))
    PREPARING["cpu"] = time.process_time() - preparing
    began = time.perf_counter()
    for read, sealed in ready:
        with transaction.atomic():
            writing.copy_in(source, read, sealed)
    return time.perf_counter() - began


def service(source: Source, bodies: list[bytes]) -> float:
    """Seconds to read, judge, seal and write in this process."""
    from compliance.audit.ingest.scanning import scan
    from compliance.audit.ingest.services import record_batch
    from host.api.parsers import parse_object

    began = time.perf_counter()
    for body in bodies:
        record_batch(source=source, events=(scan(body) or parse_object(body))["events"], now_ms=now_ms())
    return time.perf_counter() - began


def api(port: int, key: str, bodies: list[bytes], *, connections: int) -> float:
    """Seconds until the last batch is acknowledged over so many connections."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    waiting = iter(bodies)

    def sender() -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        for body in waiting:  # a list's iterator is safe to share
            connection.request("POST", "/api/v1/ingest/decisions", body, headers)
            response = connection.getresponse()
            content = response.read()
            if response.status != 200:
                raise RuntimeError(f"The API answered {response.status}: {content[:500]!r}")
        connection.close()

    began = time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        for done in [pool.submit(sender) for _ in range(connections)]:
            done.result()
    return time.perf_counter() - began


def now_ms() -> int:
    """This moment."""
    return int(time.time() * 1000)


def emptied() -> None:
    """Start from empty tables."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {TABLES}")


def counted() -> int:
    """How many records there are."""
    from compliance.audit.models import ServeRecord

    return ServeRecord.objects.count()


if __name__ == "__main__":
    sys.exit(main())
