"""Backups of the embedded PostgreSQL by its own tools, as an operator makes them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from django.conf import settings
from django.db import connection

from host.engines.addresses import PORT, USER
from host.engines.lease import ensure
from host.engines.locate import postgres_programs
from host.engines.paths import Paths, paths_for


def server_paths() -> Paths:
    """Where the server that this process is connected to keeps its files."""
    return paths_for(settings.HOME_DIR)


def back_up(into: Path) -> None:
    """A base backup with its WAL in `into`/base, and a dump of the connected database in `into`/dump.sql."""
    into.mkdir(parents=True)
    _tool("pg_basebackup", "-D", str(into / "base"), "-X", "stream", "-c", "fast")
    _tool("pg_dump", "-f", str(into / "dump.sql"), connection.settings_dict["NAME"])


def checkpoint() -> None:
    """Have everything written to the data files."""
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")


def _tool(name: str, *arguments: str) -> None:
    paths, address = server_paths(), ensure(settings.HOME_DIR).postgres
    if address is None:
        raise RuntimeError("The database is not the embedded one: unset DATABASE_URL.")
    program = postgres_programs(paths).postgres.with_name(name)
    to = ("-h", address.host, "-p", str(PORT), "-U", USER)
    environment = {**os.environ, "PGPASSWORD": address.password}
    subprocess.run([program, *to, *arguments], env=environment, check=True)  # noqa: S603
