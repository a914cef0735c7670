"""What is killed, and how: each target returns whether there was something to kill."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from pathlib import Path

import psutil

from bench.chaos.engines import backends, broker, kill, postmaster, supervisor
from bench.chaos.house import House

Kill = Callable[[House, random.Random], bool]


def _group(name: str) -> Kill:
    def kill_group(house: House, _dice: random.Random) -> bool:
        running = house.processes[name].poll() is None
        house.kill(name)
        return running

    return kill_group


def _one(find: Callable[[Path], list[psutil.Process]]) -> Kill:
    def kill_one(house: House, dice: random.Random) -> bool:
        found = find(house.home)
        return bool(found) and kill(dice.choice(found))

    return kill_one


def _web_process(house: House, dice: random.Random) -> bool:
    """One of gunicorn's processes; its master starts another."""
    with contextlib.suppress(psutil.Error, IndexError):
        return kill(dice.choice(psutil.Process(house.processes["web"].pid).children()))
    return False


def _broker_wiped(house: House, dice: random.Random) -> bool:
    """Every second time all that the broker holds is wiped first."""
    import redis

    from host.engines.paths import paths_for

    if dice.random() < 0.5:
        with contextlib.suppress(redis.RedisError):
            redis.Redis(unix_socket_path=str(paths_for(house.home).broker_socket), socket_timeout=1).flushall()
    return _one(broker)(house, dice)


TARGETS: dict[str, Kill] = {
    "web, all of it": _group("web"),
    "web, one process": _web_process,
    "worker": _group("worker"),
    "sequencer": _group("sequencer"),
    "valkey, wiped every second time": _broker_wiped,
    "PostgreSQL, its postmaster": _one(postmaster),
    "PostgreSQL, one backend": _one(backends),
    "the engines' supervisor": _one(supervisor),
    "the load generator": _group("writer"),
}
