"""A database of its own for a benchmark: made on the embedded server, filled with real rows, dropped at the end."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

ROOT = Path(__file__).resolve().parents[1]
BATCH = 5_000
PEOPLE = 1_000


@contextmanager
def scratch_database(name: str) -> Iterator[None]:
    """Set Django up on an empty database with all tables; nothing of it is left behind."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["DJANGO_SETTINGS_MODULE"] = "host.settings.test"
    sys.path[:0] = [str(ROOT), str(ROOT / "platform")]
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection

    settings.INGEST_QUEUE = 10**9
    before = connection.settings_dict["NAME"]
    connection.settings_dict.setdefault("TEST", {})["NAME"] = f"bench_{name}_{os.getpid()}"
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(before, verbosity=0)


def fill(count: int, *, source: str = "bench") -> None:
    """Put so many decisions of a made-up ranker on record, as a source would post them."""
    from compliance.audit.ingest.services import record_batch
    from compliance.audit.ingest.sources import add, source_of
    from tests.compliance.ingest.made_decisions import decision

    draw = random.Random(0)  # noqa: S311 - the same people in every run
    people = [str(UUID(int=draw.getrandbits(128), version=4)) for _ in range(PEOPLE)]
    made = source_of(add(name=source, service="test", by="a benchmark", why="to be measured"))
    assert made is not None
    for start in range(0, count, BATCH):
        numbers = range(start + 1, min(start + BATCH, count) + 1)
        events = [decision(number, pseudonym=people[number % PEOPLE]) for number in numbers]
        record_batch(source=made, events=events, now_ms=int(time.time() * 1000))


def made_world(home: Path) -> None:
    """A made-up catalogue with people who signed in, and a really trained ranker that is live."""
    from dataclasses import replace

    from django.conf import settings
    from django.utils import timezone

    from host.demo import world
    from host.demo.people import make_accounts
    from host.demo.ranker import train_and_register
    from ranking.data import movielens
    from ranking.data.catalogue import read_films, read_people
    from ranking.serving.services import go_live
    from ranking.training import presets
    from tests import made_world as recipe

    settings.MODEL_REGISTRY = home / "models"
    folder = recipe.write(home / "made-world")
    dataset, _ = world.moved_to_now(movielens.load(folder), timezone.now())
    source = world.Source(dataset=dataset, films=tuple(read_films(folder)), people=tuple(read_people(folder)))
    world.load(service=settings.SERVICE, source=source)
    make_accounts(service=settings.SERVICE, source=source)
    model = train_and_register(dataset, replace(presets.movielens(), epochs=1), seed=1)
    go_live(service=settings.SERVICE, sha256=model.sha256)
