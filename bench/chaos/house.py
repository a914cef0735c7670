"""A scratch home with every process of the product in a group of its own, and an init that starts what has ended."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO, Any

from bench.chaos.engines import engines_of
from bench.http_client import free_port
from bench.world import ROOT

RESTART_SECONDS = 0.2  # between two looks of the init at what has ended
START_SECONDS = 120.0
PEOPLE = 60


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody signed in: their subject's id, and the headers that their browser sends."""

    subject: str
    headers: dict[str, str]


@dataclass
class House:
    """One home folder, its processes by name, and whether what ends is started again."""

    home: Path
    port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    commands: dict[str, list[str]] = field(default_factory=dict)
    starts: dict[str, int] = field(default_factory=dict)
    _ended: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def logs(self) -> Path:
        """Where every process writes."""
        return self.home / "log"

    @property
    def histories(self) -> Path:
        """Where the load generators note what was acknowledged."""
        return self.home / "histories"

    def new_histories(self) -> Path:
        """An empty folder of histories: those of an earlier run are deleted."""
        shutil.rmtree(self.histories, ignore_errors=True)
        self.histories.mkdir()
        return self.histories

    @property
    def people(self) -> list[Person]:
        """Everybody who is signed in."""
        return [Person(**found) for found in json.loads((self.home / "people.json").read_text())]

    def start(self, name: str, command: list[str]) -> None:
        """Start a process in a group of its own; from now on it is started again whenever it ends."""
        with self._lock:
            self.commands[name] = command
            self._spawn(name)

    def kill(self, name: str) -> None:
        """Kill a process and everything it started, as a loss of power would; the init starts it again."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.processes[name].pid, signal.SIGKILL)

    def stop(self, name: str) -> None:
        """Stop a process for good, gently."""
        with self._lock:
            self.commands.pop(name, None)
            process = self.processes.pop(name, None)
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def keep_up(self) -> None:
        """Start what has ended, until the house is closed. Runs in a thread: this is the init."""
        while not self._ended.wait(RESTART_SECONDS):
            with self._lock:
                for name in self.commands:
                    if self.processes[name].poll() is not None:
                        self._spawn(name)

    def close(self) -> None:
        """Stop everything; engines follow when the last lease is gone."""
        self._ended.set()
        for name in list(self.processes):
            self.stop(name)

    def _spawn(self, name: str) -> None:
        self.starts[name] = self.starts.get(name, 0) + 1
        self.logs.mkdir(exist_ok=True)
        with (self.logs / f"{name}.log").open("ab") as log:
            self.processes[name] = spawn(self.commands[name], log)

    def wait_until_served(self) -> None:
        """Return when the web process says that it is ready. Exits with a sentence when it never is."""
        wait_for(self.ready, START_SECONDS, f"the web process was not ready: read {self.logs / 'web.log'}")

    def ready(self) -> bool:
        """Whether /readyz misses nothing but perhaps a model: without one, lists are not scored."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return set(json.loads(connection.getresponse().read()).get("missing", {})) <= {"model"}
        except (OSError, HTTPException, ValueError):
            return False
        finally:
            connection.close()


def spawn(command: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a command in a process group of its own, working in the repository."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=ROOT, start_new_session=True
    )


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> float:
    """Wait until a condition holds; return the seconds it took. Exits with a sentence when it never does."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            sys.exit(f"Waited {seconds:.0f} s in vain: {what}.")
        time.sleep(0.05)
    return time.monotonic() - began


@contextlib.contextmanager
def scratch_home(keep: Path | None = None) -> Iterator[Path]:
    """A home folder that this process and all its children use; deleted with its engines unless it was given."""
    home = keep or Path(tempfile.mkdtemp(prefix="clerestory-chaos-"))
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    modules = [str(ROOT), str(ROOT / "platform")]
    os.environ |= {
        "CLERESTORY_HOME": str(home),
        "DJANGO_SETTINGS_MODULE": "host.settings.demo",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(modules),
    }
    for variable in ("DATABASE_URL", "CELERY_BROKER_URL", "CLERESTORY_CACHE_URL", "CLERESTORY_AUDIT_SECOND"):
        os.environ.pop(variable, None)
    sys.path[:0] = modules
    try:
        yield home
    finally:
        _end_engines(home)
        if keep is None:
            _forget(home)


def _end_engines(home: Path) -> None:
    """Wait until the engines have stopped with their last lease."""
    from host.engines import lease

    lease.release(home)
    with contextlib.suppress(SystemExit):
        wait_for(lambda: not engines_of(home), 30, "the engines did not stop")


def _forget(home: Path) -> None:
    """Delete a scratch home, and what its engines keep elsewhere."""
    from host.engines.paths import paths_for

    shutil.rmtree(paths_for(home).state, ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def open_house(
    home: Path, *, scored: bool = True, only: tuple[str, ...] = ("web", "worker", "sequencer")
) -> Iterator[House]:
    """A prepared world, and its processes (or `only` some) under an init. Sets Django up in this process.

    Not `scored`, no model is live: everything starts sooner, and lists are recorded all the same.
    """
    prepare(home, scored=scored)
    import django

    django.setup()
    logging.getLogger().setLevel(logging.ERROR)
    from host.demo import processes

    house = House(home)
    commands = {
        "web": processes.web_command(house.port),
        "worker": processes.worker_command(),
        "sequencer": processes.sequencer_command(),
    }
    init = threading.Thread(target=house.keep_up, daemon=True)
    try:
        for name in only:
            house.start(name, commands[name])
        init.start()
        if "web" in only:
            house.wait_until_served()
        yield house
    finally:
        house.close()


def prepare(home: Path, *, scored: bool) -> None:
    """Make the world of a home that has none yet: tables, catalogue, signed-in people, perhaps a small live model."""
    if (home / "people.json").exists():
        return
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "bench.chaos.prepare", str(home), str(PEOPLE), "scored" if scored else "unscored"],
        cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        sys.exit(f"The world could not be made: {done.stderr}")


def fresh_database() -> Any:
    """A new connection to the database, in autocommit, that belongs to nobody else."""
    import psycopg

    from host.engines import lease

    address = lease.ensure().postgres
    assert address is not None
    return psycopg.connect(
        host=address.host, port=address.port, user=address.user, password=address.password, dbname=address.database,
        autocommit=True,
    )  # fmt: skip
