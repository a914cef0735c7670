"""Doing what the plan says is due: one run at a time, two people, or the schedule where a class lets it move."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date
from typing import Final

from compliance.audit.cold.check import NotVerified
from compliance.audit.cold.errors import ColdDamaged
from compliance.audit.cold.expiry import clear, expire
from compliance.audit.cold.move import NotMoved, list_files, move
from compliance.audit.cold.store import ColdStore
from compliance.audit.heads import LogPlace
from compliance.audit.keys.orders import SCHEDULE, order
from compliance.audit.locks import held
from compliance.audit.retention.cover import Held
from compliance.audit.retention.holds import hold_faults
from compliance.audit.retention.plan import Step, plan

LOCK: Final = 0x636C6572_636F6C64
"""PostgreSQL's advisory lock for the one process that retains."""
WHY: Final = "retention classes"


class HoldsChanged(Exception):
    """Legal holds are not as the log has them."""


class Busy(Exception):
    """Another process is at it."""


def alone() -> AbstractContextManager[None]:
    """Hold retention's lock. Raises Busy where another process holds it."""
    return held([LOCK], busy=Busy("Another process moves or deletes months of the audit store: wait for it."))


def retain(
    *,
    today: date,
    place: LogPlace,
    store: ColdStore,
    by: str,
    approved_by: str = "",
    why: str = WHY,
    told: Callable[[str], None] = lambda step: None,
) -> Iterator[tuple[Step, str]]:
    """Do each due step and yield it with what went wrong ("" where nothing did); finish what a crash left first.

    The schedule (`by` SCHEDULE) does only what the classes let it. Raises OrderRefused, Busy, HoldsChanged.
    """
    order(by=by, approved_by=approved_by, why=why)
    with alone():
        for fault in hold_faults():
            raise HoldsChanged(f"Nothing was moved or deleted: {fault}.")
        clear(store)
        list_files(store)
        for step in plan(today):
            if step.state == "due" and (by != SCHEDULE or step.unattended):
                yield step, _done(step, place, store, by, approved_by, why, told)


def _done(
    step: Step, place: LogPlace, store: ColdStore, by: str, approved_by: str, why: str, told: Callable[[str], None]
) -> str:
    try:
        if step.partition is not None:
            move(step.partition, place=place, store=store, by=by, approved_by=approved_by, why=why, told=told)
        elif step.month is not None:
            expire(step.month, store=store, by=by, approved_by=approved_by, why=why)
    except (Held, NotMoved, NotVerified, ColdDamaged, OSError) as error:
        return str(error)
    return ""
