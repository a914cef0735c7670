"""Killed with -9 anywhere on its way to the cold tier or out of it, a month is in one place whole, and goes on."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, connections

from compliance.audit.cold import iceberg
from compliance.audit.cold.expiry import clear, expire
from compliance.audit.cold.move import list_files, move
from compliance.audit.cold.partitions import partitions
from compliance.audit.cold.schema import ACTS
from compliance.audit.cold.store import ColdStore
from compliance.audit.heads import LogPlace
from compliance.audit.keys.services import forget_all
from compliance.audit.models import AuditEvent, ColdMonth
from compliance.audit.selectors import act_anywhere
from compliance.audit.sequencer import assign, publish
from compliance.audit.storage.partitions import make_ahead
from tests.compliance.cold.aged import SUMMER, acted_at
from tests.compliance.cold.conftest import KEY
from tests.compliance.cold.test_move import TWO, faults

pytestmark = pytest.mark.django_db(transaction=True)
FILE_OPERATIONS = frozenset(("open", "os.rename", "os.remove", "os.mkdir", "shutil.rmtree"))
STRIDE = 11
"""Which of some hundred steps are killed at; where they lie moves with each, since each child begins elsewhere."""


def killed_along(work: Callable[[Callable[[str], None]], object], folder: str) -> Iterator[str]:
    """Do the work in a process that is killed early, in another that is killed later, until one gets to its end."""
    for step in itertools.count(1, STRIDE):
        connections.close_all()
        child = os.fork()
        if child == 0:
            _work_and_die(work, step, folder)
        ended = os.waitpid(child, 0)[1]
        if os.WIFEXITED(ended):
            assert os.WEXITSTATUS(ended) == 0, "the work failed, as was printed"
            return
        yield f"killed at step {step}"


def _work_and_die(work: Callable[[Callable[[str], None]], object], step: int, folder: str) -> None:
    steps = itertools.count(1)

    def passed(*_: Any) -> None:
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def statement(execute: Any, *arguments: Any) -> Any:
        passed()
        return execute(*arguments)

    def event(name: str, arguments: tuple[Any, ...]) -> None:
        if name in FILE_OPERATIONS and folder in str(arguments[0]):
            passed()

    def commit() -> None:
        passed()
        really_commit()
        passed()

    try:
        really_commit: Callable[[], None] = connection._commit  # type: ignore[attr-defined]
        connection._commit = commit  # type: ignore[attr-defined]
        sys.addaudithook(event)
        forget_all()
        with connection.execute_wrapper(statement):
            work(passed)
        os._exit(0)
    except BaseException:  # noqa: BLE001 - this process must never go on as the test's
        traceback.print_exc()
    finally:
        os._exit(1)


@pytest.fixture(name="acts")
def _acts(place: LogPlace, cold: ColdStore) -> dict[UUID, bytes]:
    """A dozen acts of last summer, of somebody and of nobody, committed and in the log."""
    start = datetime(SUMMER.year, SUMMER.month, 3, tzinfo=UTC)
    make_ahead(now=start + timedelta(days=40), months=1)
    make_ahead(now=datetime.now(UTC))
    who = uuid4()
    ids = [
        acted_at("statement", start + timedelta(hours=number), {"n": number}, pseudonym=who if number % 2 else None)
        for number in range(12)
    ]
    sign(place)
    return {row.id: bytes(row.body) for row in AuditEvent.objects.filter(id__in=ids)}  # a world may be there too


def body_of(event_id: UUID) -> bytes:
    """An act's bytes, wherever they lie."""
    found = act_anywhere(event_id)
    return b"" if found is None else bytes(found.body)


def sign(place: LogPlace) -> None:
    """What waits goes into the log."""
    assign()
    publish(place, KEY)


def test_a_move_killed_anywhere_loses_nothing_and_is_finished_by_the_next(
    place: LogPlace, cold: ColdStore, acts: dict[UUID, bytes]
) -> None:
    def work(told: Callable[[str], None]) -> None:
        for partition in partitions(ACTS):
            if partition.period == SUMMER:
                move(partition, place=place, store=cold, told=told, **TWO)
        list_files(cold)

    kills, moved = 0, 0
    for killed in killed_along(work, str(cold.home)):
        kills += 1
        sign(place)
        assert {each: body_of(each) for each in acts} == acts, killed
        assert faults(place) == [], killed
        moved += ColdMonth.objects.exists()
    sign(place)
    assert kills >= 5
    assert moved >= 1  # some were killed behind the drop
    assert not AuditEvent.objects.filter(id__in=acts).exists()
    assert AuditEvent.objects.filter(kind="retention_drop").count() == 1
    assert {each: body_of(each) for each in acts} == acts
    assert len(iceberg.files(cold, "acts")) == 1
    assert faults(place) == []


def test_a_deletion_killed_anywhere_is_whole_or_never_was(
    place: LogPlace, cold: ColdStore, acts: dict[UUID, bytes]
) -> None:
    (partition,) = [each for each in partitions(ACTS) if each.period == SUMMER]
    move(partition, place=place, store=cold, **TWO)
    sign(place)
    month = ColdMonth.objects.get()

    def work(told: Callable[[str], None]) -> None:
        if ColdMonth.objects.filter(expired_at=None).exists():
            expire(month.pk, store=cold, **TWO)
        clear(cold)

    for killed in killed_along(work, str(cold.home)):
        sign(place)
        assert faults(place) == [], killed
    sign(place)
    assert AuditEvent.objects.filter(kind="retention_expiry").count() == 1
    assert list(cold.home.rglob("acts/**/*.parquet")) == []
    assert ColdMonth.objects.get().removed_at is not None
    assert faults(place) == []
    assert acts
