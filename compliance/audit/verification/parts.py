"""Serve records and cold months checked by several processes: opening seals is what takes a verification its time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from multiprocessing import get_context
from uuid import UUID

from django.db import connection

from compliance.audit.verification import cold
from compliance.audit.verification.documents import Needed, records
from compliance.audit.verification.rows import FIRST, LAST
from compliance.audit.verification.tally import Tally

Part = tuple[list[str], Needed, Tally]


@dataclass(frozen=True, kw_only=True)
class Begun:
    """Processes at work, and what they were asked for so far."""

    pool: ProcessPoolExecutor
    parts: list[Future[Part]]


class InTransaction(RuntimeError):
    """Other processes cannot see what a transaction has not committed."""


@contextmanager
def begun(jobs: int, now: datetime) -> Iterator[Begun]:
    """So many processes that check serve records while the caller does something else. Raises InTransaction.

    They are forks of this process: it must have no other threads that hold locks.
    """
    if connection.in_atomic_block:
        raise InTransaction("A verification in several processes cannot be part of a transaction: use one job there.")
    cuts = [FIRST, *_cuts(jobs), LAST]
    connection.close()  # two processes cannot share it; each opens its own
    with ProcessPoolExecutor(jobs, mp_context=get_context("fork")) as pool:
        yield Begun(pool=pool, parts=[pool.submit(_part, after, until, now) for after, until in pairwise(cuts)])


def gathered(begun: Begun, needed: Needed, tally: Tally) -> Iterator[str]:
    """The faults of all parts, in order, then of cold months; what they need and counted added up."""
    yield from _results(begun.parts, needed, tally)
    yield from _results([begun.pool.submit(_cold, month) for month in cold.months()], needed, tally)


def _results(parts: list[Future[Part]], needed: Needed, tally: Tally) -> Iterator[str]:
    for part in parts:
        faults, named, counted = part.result()
        yield from faults
        needed.merge(named)
        tally.merge(counted)


def _cuts(jobs: int) -> list[UUID]:
    """Ids that cut the records into parts of one size."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit_serverecord")
        (count,) = cursor.fetchone()
        cuts = []
        for number in range(1, jobs):
            cursor.execute("SELECT id FROM audit_serverecord ORDER BY id OFFSET %s LIMIT 1", [count * number // jobs])
            cuts += [row[0] for row in cursor.fetchall()]
    return sorted(cuts)


def _part(after: UUID, until: UUID, now: datetime) -> Part:
    needed, tally = Needed(), Tally()
    return list(records(needed, now, tally, after=after, until=until)), needed, tally


def _cold(month_id: int) -> Part:
    needed, tally = Needed(), Tally()
    return list(cold.contents(month_id, needed, tally)), needed, tally
