"""Where the benchmarks get their world: the demo's own database and live model."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def connect_to_demo() -> None:
    """Set Django up on the demo's data. Exits with a sentence when the demo has not been prepared."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "host.settings.demo")
    sys.path[:0] = [str(ROOT), str(ROOT / "platform")]
    import django

    django.setup()
    from django.db.utils import DatabaseError

    from ranking.catalogue.models import Item
    from ranking.serving.scorer import registry

    try:
        ready = Item.objects.exists() and registry().live() is not None
    except DatabaseError:
        ready = False
    if not ready:
        sys.exit("There is no demo world to measure: run `make demo` once, or `manage.py demo --no-serve`.")


@contextmanager
def own_server(home: Path) -> Iterator[None]:
    """Django on a fresh database in a home folder of its own; stopped and removed at the end."""
    os.environ |= {"CLERESTORY_HOME": str(home), "DJANGO_SETTINGS_MODULE": "host.settings.demo", "OMP_NUM_THREADS": "1"}
    for name in ("DATABASE_URL", *(f"CLERESTORY_AUDIT_{one}" for one in ("KEYS", "LOG", "KEY", "COLD", "VKEY"))):
        os.environ.pop(name, None)
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections

    from host.engines.lease import release
    from host.engines.paths import paths_for

    paths = paths_for(home)
    try:
        call_command("migrate", verbosity=0)
        yield
    finally:
        connections.close_all()
        release(home)
        while (paths.data / "postmaster.pid").exists():  # it stops with its last client
            time.sleep(0.1)
        shutil.rmtree(paths.state)
