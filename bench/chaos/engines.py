"""The processes of one home's engines, found by command lines and folders that only they have."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil


def engines_of(home: Path) -> list[psutil.Process]:
    """The supervisor of a home and everything below it, orphans too: their command lines name its folders."""
    from host.engines.paths import paths_for

    state = f"{paths_for(home).state}/"
    return [process for process in _processes() if _is_engine(process, state, str(home))]


def _is_engine(process: psutil.Process, state: str, home: str) -> bool:
    line: list[str] = process.info["cmdline"] or []
    if "host.engines.supervisor" in line:
        return line[-1] == home
    return state in " ".join(line) or _works_below(process, state)


def _works_below(process: psutil.Process, state: str) -> bool:
    """A backend of PostgreSQL writes its own command line, but works in its data folder."""
    if process.info["name"] != "postgres":
        return False
    with contextlib.suppress(psutil.Error, OSError):
        return f"{process.cwd()}/".startswith(state)
    return False


def _processes() -> Iterator[psutil.Process]:
    yield from psutil.process_iter(["name", "cmdline"])


def postmaster(home: Path) -> list[psutil.Process]:
    """PostgreSQL's first process, where it runs."""
    return [found for found in postgres(home) if "-D" in found.info["cmdline"]]


def backends(home: Path) -> list[psutil.Process]:
    """PostgreSQL's processes that serve a connection."""
    return [found for found in postgres(home) if "[local]" in " ".join(found.info["cmdline"])]


def postgres(home: Path) -> list[psutil.Process]:
    """Every process of PostgreSQL."""
    return [found for found in engines_of(home) if found.info["name"] == "postgres"]


def kill_all_of_postgres(home: Path) -> bool:
    """Kill every process of PostgreSQL at once, the first one first: nothing is left that could still write."""
    found = [*postmaster(home), *postgres(home)]
    for process in found:
        kill(process)
    return bool(found)


def kill(process: psutil.Process) -> bool:
    """Kill one process; False when it was gone already."""
    with contextlib.suppress(ProcessLookupError, psutil.Error):
        os.kill(process.pid, signal.SIGKILL)
        return True
    return False


def supervisor(home: Path) -> list[psutil.Process]:
    """The parent of the engines."""
    return [found for found in engines_of(home) if "host.engines.supervisor" in found.info["cmdline"]]


def broker(home: Path) -> list[psutil.Process]:
    """The broker."""
    return [found for found in engines_of(home) if found.info["name"] == "valkey-server"]
