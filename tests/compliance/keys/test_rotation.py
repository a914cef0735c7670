"""A rotation leaves every key that was not erased readable, and nothing that opens the old wrappings."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from compliance.audit.keys import rotation, rows, services, vault
from compliance.audit.keys.errors import KekMissing, KeyBroken, KeyErased
from compliance.audit.keys.orders import SUBJECT
from compliance.audit.keys.rotation import ERASED_WITHIN, ROTATE_AFTER, is_due
from compliance.audit.keys.selectors import key_of, key_status, keys_of
from compliance.audit.keys.services import erase, key_for, keys_for, rotate
from compliance.audit.models import AuditEvent, KeyEncryptionKey, KeyTombstone, SubjectKey
from compliance.audit.tasks import rotate_keys
from tests.compliance.keys.made_keys import WHY, in_thread, rotated

pytestmark = pytest.mark.django_db


def test_survivors_open_under_the_new_key_and_nothing_opens_what_was_erased(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "BATCH", 4)
    one, *others = (uuid4() for _ in range(11))
    kept = keys_for([one, *others])
    left_in_files = bytes(SubjectKey.objects.get(pk=one).wrapped)
    erase(pseudonym=one, by=SUBJECT, why=WHY)
    heard: list[int] = []
    done = rotate(by="ann", approved_by="bob", why="a drill", progress=heard.append)
    assert (done.made, done.destroyed, done.rewrapped, heard) == (2, (1,), 10, [4, 8, 10])
    del kept[one]
    assert keys_of([one, *others]) == kept
    assert vault.numbers() == [2]
    with pytest.raises(KeyBroken):
        vault.read(2).unwrap(one, left_in_files)


def test_a_rotation_is_one_event_with_both_people() -> None:
    key_for(uuid4())
    rotate(by="ann", approved_by="bob", why="a drill")
    said = json.loads(bytes(AuditEvent.objects.get(kind="key_rotation").body))
    assert (said["by"], said["approved_by"], said["why"]) == ("ann", "bob", "a drill")
    assert (said["made"], said["destroyed"], said["rewrapped"]) == (2, [1], 1)


def test_keys_that_are_retired_wrap_nothing_more() -> None:
    key_for(uuid4())
    first, late = vault.read(1), uuid4()
    rotated()
    with transaction.atomic():
        rows.add({late: first.wrap(late, b"k" * 32)}, kek=1)
    assert not SubjectKey.objects.filter(pk=late).exists()
    key_for(late)
    assert SubjectKey.objects.get(pk=late).kek == 2


@pytest.mark.django_db(transaction=True)
def test_a_rotation_between_the_databases_answer_and_the_file_is_not_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    one, new = uuid4(), uuid4()
    key, find, due = key_for(one), rows.find, [True]

    def find_then_rotate(pseudonyms: Any) -> rows.Found:
        found = find(pseudonyms)
        if due:
            due.clear()
            with ThreadPoolExecutor(1) as pool:
                in_thread(pool, rotated).result()
        return found

    monkeypatch.setattr(rows, "find", find_then_rotate)
    services.forget_all()
    assert key_of(one) == key
    due.append(True)
    assert key_for(one) == key
    due.append(True)
    assert len(key_for(new)) == 32
    assert vault.numbers() == [4]


def test_a_lost_key_file_stops_the_rotation_before_anything_is_destroyed() -> None:
    one = uuid4()
    key = key_for(one)
    secret = vault.path_of(1).read_bytes()
    vault.path_of(1).unlink()
    with pytest.raises(KekMissing, match="restore the file"):
        rotated()
    with pytest.raises(KekMissing, match="restore the file"):
        key_for(one)
    vault.path_of(1).write_bytes(secret)
    vault.path_of(1).chmod(0o600)
    assert rotated().destroyed == (1, 2)
    assert key_of(one) == key


def test_files_that_no_row_knows_are_named_and_left_alone() -> None:
    key_for(uuid4())
    vault.draw(5)
    assert key_status().unknown == (5,)
    assert rotated().made == 6
    assert vault.numbers() == [5, 6]


def test_the_daily_task_rotates_before_an_erasure_has_waited_too_long() -> None:
    rotate_keys()  # nothing to do
    assert not KeyEncryptionKey.objects.exists()
    key_for(uuid4())
    made = KeyEncryptionKey.objects.get().made_at
    assert not is_due(made + ROTATE_AFTER - timedelta(seconds=1))
    assert is_due(made + ROTATE_AFTER)
    assert ROTATE_AFTER + timedelta(days=1) < ERASED_WITHIN
    assert not rotate_keys()
    KeyEncryptionKey.objects.update(made_at=timezone.now() - ROTATE_AFTER)
    assert rotate_keys()
    assert vault.numbers() == [2]
    assert not rotate_keys()


def test_what_waits_for_a_rotation_is_counted() -> None:
    one, other = uuid4(), uuid4()
    keys_for([one, other])
    assert (key_status().waiting, key_status().due) == (0, None)
    erase(pseudonym=one, by=SUBJECT, why=WHY)
    status = key_status()
    assert (status.subjects, status.erased, status.waiting, status.current, status.kept) == (1, 1, 1, 1, (1,))
    assert status.due == KeyTombstone.objects.get().erased_at + ERASED_WITHIN
    rotated()
    status = key_status()
    assert (status.erased, status.waiting, status.due, status.current, status.kept) == (1, 0, None, 2, (2,))
    with pytest.raises(KeyErased):
        key_for(one)
