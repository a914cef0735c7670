"""Killed with -9 before any statement, commit or file operation of its work, a process leaves every key as it was."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, connections

from compliance.audit.keys import rotation, services, vault
from compliance.audit.keys.errors import KeyBroken, KeyErased, RotationRefused
from compliance.audit.keys.orders import SUBJECT
from compliance.audit.keys.selectors import key_of, key_status, keys_of
from compliance.audit.keys.services import erase, key_for, keys_for
from compliance.audit.models import AuditEvent, KeyEncryptionKey, KeyTombstone, SubjectKey
from tests.compliance.keys.made_keys import WHY, rotated

pytestmark = pytest.mark.django_db(transaction=True)
FILE_OPERATIONS = frozenset(("open", "os.link", "os.remove"))


def _killed_at_every_step(work: Callable[[], object]) -> Iterator[int]:
    """Do the work in a process of its own that is killed at its first step, at its second, until it gets to the end."""
    for step in itertools.count(1):
        connections.close_all()
        child = os.fork()
        if child == 0:
            _work_and_die(work, step)
        ended = os.waitpid(child, 0)[1]
        if os.WIFEXITED(ended):
            assert os.WEXITSTATUS(ended) == 0, "the work failed, as was printed"
            return
        yield step


def _work_and_die(work: Callable[[], object], step: int) -> None:
    """Be killed before the step of that number: a statement, a commit, or something done to a file of the vault."""
    steps = itertools.count(1)

    def passed() -> None:
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def statement(execute: Any, *arguments: Any) -> Any:
        passed()
        return execute(*arguments)

    def event(name: str, arguments: tuple[Any, ...]) -> None:
        if name in FILE_OPERATIONS and str(arguments[0]).startswith(str(vault.folder())):
            passed()

    def commit() -> None:
        passed()
        really_commit()

    try:
        really_commit: Callable[[], None] = connection._commit  # type: ignore[attr-defined]
        connection._commit = commit  # type: ignore[attr-defined]
        sys.addaudithook(event)
        services.forget_all()
        with connection.execute_wrapper(statement):
            work()
        os._exit(0)
    except BaseException:  # noqa: BLE001 - this process must never go on as the test's
        traceback.print_exc()
    finally:
        os._exit(1)


def _rotated_at_last() -> rotation.Rotation:
    """Rotate, once the database has noticed that the process before is no more."""
    for _ in range(100):
        try:
            return rotated()
        except RotationRefused:
            time.sleep(0.02)
    return rotated()


def test_a_rotation_killed_at_any_step_leaves_every_key_readable_and_is_finished_by_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rotation, "BATCH", 2)
    people = [uuid4() for _ in range(5)]
    kept, steps = keys_for(people), 0
    for step in _killed_at_every_step(rotated):
        steps, gone = step, uuid4()
        assert keys_of(people) == kept, f"killed at step {step}"
        key_for(gone)
        left = SubjectKey.objects.get(pk=gone)
        erase(pseudonym=gone, by=SUBJECT, why=WHY)
        if step % 2:  # so that some begin with what another left
            continue
        made = _rotated_at_last().made
        assert keys_of(people) == kept, f"killed at step {step}"
        assert set(vault.numbers()) - set(key_status().unknown) == {made}
        assert KeyEncryptionKey.objects.filter(destroyed_at=None).count() == 1
        for number in vault.numbers():
            with pytest.raises(KeyBroken):
                vault.read(number).unwrap(gone, bytes(left.wrapped))
    assert steps > 30


def test_an_erasure_killed_at_any_step_is_whole_or_never_was() -> None:
    one = uuid4()
    key, steps = key_for(one), 0
    for step in _killed_at_every_step(lambda: erase(pseudonym=one, by=SUBJECT, why=WHY)):
        assert key_of(one) == key, f"killed at step {step}"
        assert not KeyTombstone.objects.exists()
        assert not AuditEvent.objects.filter(kind="erasure").exists()
        steps = step
    assert steps >= 5
    with pytest.raises(KeyErased):
        key_of(one)
    assert AuditEvent.objects.filter(kind="erasure").count() == 1


def test_a_key_that_is_being_made_by_who_is_killed_is_made_by_the_next() -> None:
    steps = 0
    asked: list[UUID] = [uuid4()]
    for step in _killed_at_every_step(lambda: key_for(asked[-1])):
        key = key_for(asked[-1])
        assert key_of(asked[-1]) == key, f"killed at step {step}"
        asked.append(uuid4())
        steps = step
    assert steps >= 5
    assert len(key_of(asked[-1])) == 32
