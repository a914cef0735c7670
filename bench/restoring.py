"""A backup by pg_dump, restored into a database of its own, and the log rebuilt from it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection

from host.engines.locate import postgres_programs
from host.engines.paths import default_home, paths_for


def dump(path: Path) -> None:
    """Write a backup of the database that Django is connected to."""
    _run("pg_dump", "--format=custom", f"--file={path}", f"--dbname={connection.settings_dict['NAME']}")


@contextmanager
def restored(path: Path, name: str) -> Iterator[None]:
    """Connect Django to a new database that holds what a backup does; it is dropped at the end."""
    before: str = connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
    try:
        _connect_to(name)
        with connection.cursor() as cursor:
            # The embedded server is born with it, for which reason its dumps leave it out.
            cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
        _run("pg_restore", "--exit-on-error", f"--dbname={name}", str(path))
        yield
    finally:
        _connect_to(before)
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _connect_to(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name


def _run(program: str, *arguments: str) -> None:
    settings: dict[str, Any] = connection.get_connection_params()
    where = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}
    found = {variable: str(settings[name]) for name, variable in where.items() if settings.get(name)}
    path = postgres_programs(paths_for(default_home())).postgres.with_name(program)
    subprocess.run([path, *arguments], check=True, env={**os.environ, **found})  # noqa: S603
