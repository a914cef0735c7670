"""The demo's processes: web, worker and sequencer as children that end with the command."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

from django.conf import settings

from host.admission import AUDIT_PLACES

START_SECONDS: Final = 90
STOP_SECONDS: Final = 15
SPARE_THREADS: Final = 4
LAST_PORT: Final = 65_535
_AUDIT: Final = {"LOG": "folder", "KEY": "key", "SECOND": "second"}


class ProcessFailed(Exception):
    """A process of the demo could not start or ended by itself."""


def refuse_unusable_port(port: int) -> None:
    """Raise ProcessFailed when there is no such port, it is reserved, or something listens on it already."""
    if not 1 <= port <= LAST_PORT:
        raise ProcessFailed(f"There is no port {port}: choose one from 1024 to {LAST_PORT} with --port.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError as error:
            raise ProcessFailed(
                f"Port {port} is reserved for the system: choose one from 1024 to {LAST_PORT} with --port."
            ) from error
        except OSError as error:
            other = port + 1 if port < LAST_PORT else port - 1
            raise ProcessFailed(
                f"Port {port} is taken by another program: stop it, or start the demo with --port {other}."
            ) from error


def web_command(port: int) -> list[str]:
    """Two web processes: one scores while the other answers, and a lost one is forked anew in no time.

    Each has threads for the work that `host.admission` lets in, and some to refuse the rest with.
    """
    threads = settings.WEB_PLACES + settings.WEB_INGEST_PLACES + AUDIT_PLACES + SPARE_THREADS
    options = ["--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", str(threads), "--timeout", "60"]
    options += ["--worker-tmp-dir", str(settings.HOME_DIR), "--log-level", "warning", "--preload"]
    return [sys.executable, "-m", "gunicorn", "host.wsgi:application", *options]


def worker_command() -> list[str]:
    """One worker with the timetable inside."""
    schedule = str(settings.HOME_DIR / "beat-schedule")
    options = ["--concurrency", "1", "--beat", "--schedule", schedule, "--loglevel", "warning"]
    return [sys.executable, "-m", "celery", "--app", "host.celery", "worker", *options]


def sequencer_command() -> list[str]:
    """The one process that writes the audit log."""
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), "sequencer"]


@contextmanager
def running(commands: dict[str, list[str]], logs: Path) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Run named commands, each logging to its own file; all are stopped on the way out."""
    logs.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    # They work in another folder, where a relative path would name another place.
    environment |= {"CLERESTORY_HOME": str(settings.HOME_DIR), "CLERESTORY_MODELS": str(settings.MODEL_REGISTRY)}
    environment |= {f"CLERESTORY_AUDIT_{name}": str(settings.AUDIT_LOG[part]) for name, part in _AUDIT.items()}
    children: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands.items():
            with (logs / f"{name}.log").open("ab") as log:
                children[name] = subprocess.Popen(  # noqa: S603 - our own commands
                    command,
                    stdout=log,
                    stderr=log,
                    env=environment,
                    cwd=settings.BASE_DIR,
                    start_new_session=True,  # Ctrl-C reaches us first, and we stop them in order
                )
        yield children
    finally:
        _stop(children)


def wait_until_ready(port: int, children: dict[str, subprocess.Popen[bytes]], logs: Path) -> None:
    """Return when the web process says it is ready. Raises ProcessFailed when a child ends or time runs out."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        refuse_ended(children, logs)
        if _ready(port):
            return
        time.sleep(0.2)
    raise ProcessFailed(f"The web process was not ready after {START_SECONDS} s: read {logs / 'web.log'}.")


def refuse_ended(children: dict[str, subprocess.Popen[bytes]], logs: Path) -> None:
    """Raise ProcessFailed when a child has ended by itself."""
    for name, child in children.items():
        if child.poll() is not None:
            raise ProcessFailed(f"The {name} process ended (exit code {child.returncode}): read {logs / name}.log.")


def _ready(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _stop(children: dict[str, subprocess.Popen[bytes]]) -> None:
    for child in children.values():
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    for child in children.values():
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
