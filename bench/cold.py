"""What a record takes hot and cold, how fast a month moves, how quickly it answers: `python bench/cold.py [--full]`.

On an embedded PostgreSQL of its own, removed afterwards. The door serves slates of 10 items with scores per head to a
made-up world's people. Their documents are then sealed again under new ids, nonces, salts and keys of many more people,
and copied into months of 10^4 and 10^5 records (`--full`: 10^6 too), given their leaves and signed; each month is
moved to the cold tier as an operator would, with everything that is checked on the way. Hot is what PostgreSQL says of
the partition: heap, TOAST and indexes.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "platform"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


from bench.timing import Stopwatch, table, verdict
from bench.world import own_server

HOT_MOST, COLD_MOST, SUBJECT_MOST_MS = 1_200.0, 350.0, 100.0
FILMS, PEOPLE = 1_682, 200
RECORDS_EACH: Final = 20
"""Of one person in a month, on average; the busiest have some hundred."""
LEAF: Final = 1_000
"""Events under one leaf."""
RECORDS_IN: Final = (
    "COPY audit_serverecord (id, service, source, pseudonym, served_at, surface, feed_mode, tier, jurisdiction, "
    "model_sha256, body, salt) FROM STDIN (FORMAT BINARY)"
)
RECORD_TYPES: Final = ("uuid", "varchar", "varchar", "uuid", "timestamptz", *["varchar"] * 4, *["bytea"] * 3)
QUEUE_IN: Final = "COPY audit_logqueue (id, kind, digest) FROM STDIN (FORMAT BINARY)"
QUEUE_TYPES: Final = ("uuid", "varchar", "bytea")
WHO: Final[dict[str, Any]] = {"by": "bench", "approved_by": "bench too", "why": "a benchmark"}


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """A served slate, packed as it was sealed, with its clear columns."""

    packed: bytes
    bound: bytes
    columns: tuple[str, ...]  # surface, feed mode, tier, jurisdiction


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One month's way."""

    rows: int
    heap: int
    indexes: int
    toast: int
    log: int
    cold: int
    seconds: dict[str, float]


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve, multiply, move, ask, print, and judge."""
    parser: Any = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slates", type=int, default=1_500, help="really served, which the records are made of")
    parser.add_argument("--full", action="store_true", help="a month of 1,000,000 records too")
    parser.add_argument("--check", action="store_true", help="exit 1 where a target is missed")
    options = parser.parse_args(arguments)
    sizes = [10_000, 100_000, *([1_000_000] if options.full else [])]
    with tempfile.TemporaryDirectory() as scratch, own_server(Path(scratch) / "home"):
        patterns, blobs = served(options.slates)
        months = []
        for number, rows in enumerate(sizes):
            months.append(measured(date(2026, 1 + number, 1), rows, patterns))
            print(f"{rows:,} rows moved in {sum(months[-1].seconds.values()):.1f} s", file=sys.stderr)
        asked = questions(months)
    return report(months, asked, blobs, check=options.check)


def served(slates: int) -> tuple[list[Pattern], float]:
    """Slates of 10 items by the door, as patterns; and the bytes of new blobs that one of them brought."""
    from django.db.models import Sum
    from django.db.models.functions import Length
    from django.utils import timezone

    from compliance.audit import selectors
    from compliance.audit.canonical import canonical
    from compliance.audit.models import LogQueue, SealedBlob, ServeRecord
    from compliance.audit.storage.compact import compact
    from compliance.audit.storage.packing import newest_dictionary, pack
    from compliance.serving import door
    from compliance.serving.types import Context
    from compliance.subjects.models import Purpose, Subject
    from compliance.subjects.services import set_consent

    load_world()
    people = list(Subject.objects.order_by("id"))
    for person in people:
        set_consent(subject=person, purpose=Purpose.PERSONALISATION, granted=True)
    for person in itertools.islice(itertools.cycle(people), slates):
        door.serve(subject=person, context=Context(surface="home", now=timezone.now(), slate_size=10))
    patterns = []
    for row in ServeRecord.objects.exclude(model_sha256=None):
        document = selectors.document_of(row)
        packed = pack(canonical(compact(document)), dictionary=newest_dictionary())
        columns = (row.surface, row.feed_mode, row.tier, row.jurisdiction)
        patterns.append(Pattern(packed=packed, bound=bytes(row.model_sha256 or b""), columns=columns))
    blobs = SealedBlob.objects.aggregate(size=Sum(Length("content")))["size"] / slates
    LogQueue.objects.all().delete()  # what is moved is what was multiplied
    return patterns, blobs


def load_world() -> None:
    """A made-up world the size of MovieLens-100K's catalogue, with one ranker that was trained for a moment."""
    from django.conf import settings
    from django.utils import timezone

    from host.demo import world
    from host.demo.ranker import train_and_register
    from ranking.data import movielens
    from ranking.data.catalogue import read_films, read_people
    from ranking.serving.services import go_live
    from ranking.training import presets
    from tests import made_world

    made_world.FILMS, made_world.PEOPLE, made_world.RATINGS_EACH = FILMS, PEOPLE, 60
    with tempfile.TemporaryDirectory() as scratch:
        folder = made_world.write(Path(scratch))
        dataset, _ = world.moved_to_now(movielens.load(folder), timezone.now())
        source = world.Source(dataset=dataset, films=tuple(read_films(folder)), people=tuple(read_people(folder)))
        world.load(service=settings.SERVICE, source=source)
        go_live(
            service=settings.SERVICE,
            sha256=train_and_register(dataset, replace(presets.movielens(), epochs=1), seed=1).sha256,
        )


def measured(period: date, rows: int, patterns: list[Pattern]) -> Measured:
    """Fill a month, sign it, size it, move it."""
    from compliance.audit.cold.move import move
    from compliance.audit.cold.partitions import partitions
    from compliance.audit.cold.place import cold_store
    from compliance.audit.cold.schema import RECORDS
    from compliance.audit.models import ColdMonth
    from compliance.audit.place import log_place, signing_key
    from compliance.audit.sequencer import assign, publish
    from compliance.audit.storage.partitions import make_ahead

    key = signing_key()
    make_ahead(now=datetime(period.year, period.month, 15, tzinfo=UTC), months=0)
    seconds: dict[str, float] = {}
    with timed(seconds, "copied in"):
        fill(period, rows, patterns)
    with timed(seconds, "given leaves, signed"):
        before = log_bytes()
        while assign(batch=LEAF):
            pass
        publish(log_place(), key)
        log = log_bytes() - before
    (partition,) = [each for each in partitions(RECORDS) if each.period == period]
    heap, indexes, toast = hot_bytes(partition.name)
    last = time.perf_counter()

    def told(step: str) -> None:
        nonlocal last
        seconds[step], last = time.perf_counter() - last, time.perf_counter()

    move(partition, place=log_place(), store=cold_store(), told=told, **WHO)
    month = ColdMonth.objects.get(table="records", period=period)
    assert month.rows == rows
    cold = sum(each["size"] for each in month.files)
    return Measured(rows=rows, heap=heap, indexes=indexes, toast=toast, log=log, cold=cold, seconds=seconds)


@contextmanager
def timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    """How long a step takes."""
    start = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - start


def fill(period: date, rows: int, patterns: list[Pattern]) -> None:
    """Copy so many records into a month, each sealed for itself, and their commitments into the queue."""
    import psycopg
    from django.db import connection

    draw = random.Random(f"{period}")  # noqa: S311 - made data
    people = [(uuid4(), secrets.token_bytes(32)) for _ in range(max(1, rows // RECORDS_EACH))]
    start = datetime(period.year, period.month, 1, tzinfo=UTC)
    connection.ensure_connection()
    for first in range(0, rows, 20_000):
        made = [
            record(draw, people, patterns, start + timedelta(milliseconds=2_400_000_000 * number // rows))
            for number in range(first, min(rows, first + 20_000))
        ]
        with psycopg.Cursor(connection.connection) as cursor:
            for statement, types, part in ((RECORDS_IN, RECORD_TYPES, 0), (QUEUE_IN, QUEUE_TYPES, 1)):
                with cursor.copy(statement) as copy:
                    copy.set_types(types)
                    for each in made:
                        copy.write_row(each[part])


def record(
    draw: random.Random, people: list[tuple[UUID, bytes]], patterns: list[Pattern], at: datetime
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """One record's row, and its row in the queue."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from compliance.audit.log.commitment import commit
    from compliance.audit.storage import sealing
    from compliance.audit.storage.packing import newest_dictionary

    pattern, (pseudonym, key) = (
        draw.choice(patterns),
        people[int(len(people) * draw.random() ** 1.5)],
    )
    stamp = int(at.timestamp() * 1000) << 80
    event_id = UUID(int=stamp | 7 << 76 | draw.getrandbits(12) << 64 | 2 << 62 | draw.getrandbits(62))
    head, nonce = sealing._HEAD.pack(sealing.FORM, newest_dictionary()), os.urandom(12)
    sealed = AESGCM(sealing.record_key(key, event_id)).encrypt(nonce, pattern.packed, head + pattern.bound)
    body, salt = head + nonce + sealed, os.urandom(32)
    row = (event_id, "demo", "", pseudonym, at, *pattern.columns, pattern.bound, body, salt)
    return row, (event_id, "serve", commit(event_id, salt, body))


def hot_bytes(name: str) -> tuple[int, int, int]:
    """Heap, indexes and TOAST of a partition."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_relation_size(oid), pg_indexes_size(oid), coalesce(pg_total_relation_size(nullif(reltoastrelid, "
            "0)), 0) FROM pg_class WHERE relname = %s",
            [name],
        )
        found: tuple[int, int, int] = cursor.fetchone()
    return found


def log_bytes() -> int:
    """What the log's own table takes with its indexes."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size('audit_logentry')")
        found: int = cursor.fetchone()[0]
    return found


def questions(months: list[Measured]) -> list[list[str]]:
    """What each question takes over all months, from the call to the rows."""
    from compliance.audit.cold import duck, queries
    from compliance.audit.cold.place import cold_store
    from compliance.audit.cold.schema import RECORDS
    from compliance.audit.models import ColdMonth
    from compliance.audit.selectors import record_anywhere

    store = cold_store()
    paths = [store.local(each["name"], each["sha256"]) for month in ColdMonth.objects.all() for each in month.files]
    some = duck.rows(
        paths,
        "SELECT any_value(id) AS id, pseudonym FROM read_parquet($paths) GROUP BY pseudonym USING SAMPLE 20 ROWS",
        {},
    ).to_pylist()
    everything = sum(month.rows for month in months)
    people = [UUID(row["pseudonym"]) for row in some]
    ids = [UUID(row["id"]) for row in some]
    clear = ["surface", "feed_mode", "tier", "month"]
    asked: list[tuple[str, list[Callable[[], Any]]]] = [
        ("one person's records", [partial(queries.of_person, paths, RECORDS, person) for person in people]),
        ("one record by id, its month known by the id", [partial(record_anywhere, each) for each in ids]),
        ("20 records by id", [partial(queries.by_key, paths, RECORDS, ids)] * 5),
        ("records by surface, order, tier and month", [partial(queries.counts, paths, clear)] * 5),
    ]
    rows = []
    for name, calls in asked:
        watch = Stopwatch()
        for call in calls:
            with watch.stage(name):
                assert call() is not None
        rows.append([f"{name}, of {everything:,}", *watch.row(name)[1:]])
    return rows


def report(months: list[Measured], asked: list[list[str]], blobs: float, *, check: bool) -> int:
    """The tables, the hand-over's sizes, and which targets were missed."""
    table(
        "Bytes a record: 10 items with scores per head",
        ["records", "hot", "of it heap", "indexes", "TOAST", "log entry", "cold (Parquet)"],
        [
            [f"{m.rows:,}", *(f"{each / m.rows:.1f}" for each in (hot(m), m.heap, m.indexes, m.toast, m.log, m.cold))]
            for m in months
        ],
    )
    steps = list(months[-1].seconds)
    table(
        "Records a second, one process beside PostgreSQL on the same machine",
        ["records", *steps],
        [[f"{m.rows:,}", *(f"{m.rows / max(m.seconds[step], 1e-3):,.0f}" for step in steps)] for m in months],
    )
    table("Questions in place", ["question", "wall p50 ms", "wall p99 ms", "CPU p50 ms"], asked)
    largest = months[-1]
    a_record = largest.cold / largest.rows
    table(
        f"Hand-over, from {a_record:.1f} B a record measured at {largest.rows:,}",
        ["slates a day", "cold a day", "a year", "average written"],
        [
            [
                f"{slates:,}",
                size(slates * a_record),
                size(365 * slates * a_record),
                f"{size(slates * a_record / 86_400)}/s",
            ]
            for slates in (1_000_000, 100_000_000, 10_000_000_000)
        ],
    )
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"\nLoad of the machine while questions were asked and now: {load} on {os.cpu_count()} cores.")
    print(f"New snapshot and candidate bytes, sealed, over the served slates: {blobs:,.0f} B a slate.")
    return verdict(_missed(months, asked), check=check)


def _missed(months: list[Measured], asked: list[list[str]]) -> list[str]:
    largest, smallest = months[-1], months[0]
    missed = []
    if hot(largest) / largest.rows > HOT_MOST:
        missed.append(f"hot {hot(largest) / largest.rows:.0f} B a record, target {HOT_MOST:.0f}")
    if largest.cold / largest.rows > COLD_MOST:
        missed.append(f"cold {largest.cold / largest.rows:.0f} B a record, target {COLD_MOST:.0f}")
    for name, of in (("hot", hot), ("cold", lambda month: month.cold)):
        if (growth := of(largest) / largest.rows / (of(smallest) / smallest.rows)) > 1.05:
            missed.append(f"{name} grows by {growth:.2f} a record from {smallest.rows:,} to {largest.rows:,}")
    if float(asked[0][1]) > SUBJECT_MOST_MS:
        missed.append(f"one person's records in {asked[0][1]} ms, target {SUBJECT_MOST_MS:.0f}")
    return missed


def hot(month: Measured) -> int:
    """Everything of a partition."""
    return month.heap + month.indexes + month.toast


def size(count: float) -> str:
    """Bytes in words."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 1_000:
            return f"{count:.1f} {unit}"
        count /= 1_000
    return f"{count:.1f} PB"


if __name__ == "__main__":
    sys.exit(main())
