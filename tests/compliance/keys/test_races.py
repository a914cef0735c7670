"""Whoever makes, erases and rotates keys at once: one key each, erasing wins, and no key is ever lost."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from compliance.audit.keys import rotation, services, vault
from compliance.audit.keys.errors import KeyErased, RotationRefused, RotationRunning
from compliance.audit.keys.orders import SUBJECT
from compliance.audit.keys.selectors import key_of, keys_of
from compliance.audit.keys.services import erase, key_for, keys_for
from compliance.audit.models import KeyEncryptionKey, KeyTombstone, SubjectKey
from compliance.audit.tasks import rotate_keys
from tests.compliance.keys.made_keys import WHY, in_thread, rotated, waits

pytestmark = pytest.mark.django_db(transaction=True)


def _key_or_none(pseudonym: UUID) -> bytes | None:
    try:
        services.forget_all()
        return key_for(pseudonym)
    except KeyErased:
        return None


def test_of_many_who_need_a_key_at_once_one_makes_it() -> None:
    people = [uuid4() for _ in range(20)]
    with ThreadPoolExecutor(6) as pool:
        asked = [in_thread(pool, partial(keys_for, people[:: 1 if number % 2 else -1])) for number in range(6)]
        answers = [each.result() for each in asked]
    assert all(answer == keys_of(people) for answer in answers)
    assert len(set(answers[0].values())) == len(people)


def test_an_erasure_waits_for_who_is_making_the_key() -> None:
    one = uuid4()
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            key_for(one)
            erasing = in_thread(pool, partial(erase, pseudonym=one, by=SUBJECT, why=WHY))
            assert waits(erasing)
        assert erasing.result()
    assert not SubjectKey.objects.exists()
    assert _key_or_none(one) is None


def test_who_makes_a_key_waits_for_its_erasure_and_makes_none() -> None:
    one, other = uuid4(), uuid4()
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            erase(pseudonym=one, by=SUBJECT, why=WHY)
            making = in_thread(pool, partial(keys_for, [one, other]))
            assert waits(making)
        with pytest.raises(KeyErased):
            making.result()
    assert not SubjectKey.objects.exists()
    assert _key_or_none(one) is None


def test_a_key_is_there_for_others_until_its_erasure_is_committed() -> None:
    one, other = uuid4(), uuid4()
    key = key_for(one)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            erase(pseudonym=one, by=SUBJECT, why=WHY)
            assert in_thread(pool, partial(keys_for, [one, other])).result()[one] == key
        assert in_thread(pool, partial(_key_or_none, one)).result() is None
    assert SubjectKey.objects.get().pk == other


def test_an_erasure_that_is_rolled_back_lets_the_key_be_made() -> None:
    one = uuid4()
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            erase(pseudonym=one, by=SUBJECT, why=WHY)
            making = in_thread(pool, partial(key_for, one))
            assert waits(making)
            transaction.set_rollback(True)
        assert making.result() == key_of(one)


def test_late_writers_never_bring_a_key_back() -> None:
    people, start = [uuid4() for _ in range(25)], threading.Barrier(4)

    def write() -> dict[UUID, bytes | None]:
        start.wait()
        return {person: _key_or_none(person) for person in people}

    def erase_all() -> dict[UUID, bytes | None]:
        start.wait()
        for person in people:
            erase(pseudonym=person, by=SUBJECT, why=WHY)
        return {}

    with ThreadPoolExecutor(4) as pool:
        work = [in_thread(pool, each) for each in (write, write, write, erase_all)]
        answers = [each.result() for each in work]
    for person in people:  # until it was erased, everybody had the same one
        assert len({answer[person] for answer in answers[:3]} - {None}) <= 1
    assert KeyTombstone.objects.count() == len(people)
    assert not SubjectKey.objects.exists()


def test_a_rotation_waits_for_keys_that_are_not_committed_yet() -> None:
    old, new = uuid4(), uuid4()
    kept = key_for(old)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            late = key_for(new)  # wrapped under the first
            rotating = in_thread(pool, rotated)
            assert waits(rotating)
        assert rotating.result().destroyed == (1,)
    assert keys_of([old, new]) == {old: kept, new: late}
    assert vault.numbers() == [2]


def test_a_rotation_gives_up_on_writers_that_do_not_end_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = uuid4(), uuid4()
    kept = key_for(old)
    monkeypatch.setattr(rotation, "PATIENCE_MS", (20, 50))
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        late = key_for(new)
        with pytest.raises(RotationRefused, match="older than 50 ms"):
            in_thread(pool, rotated).result()
        assert vault.numbers() == [1, 2]
    assert keys_of([old, new]) == {old: kept, new: late}
    assert rotated().destroyed == (1, 2)
    assert keys_of([old, new]) == {old: kept, new: late}


def test_two_rotations_do_not_meet() -> None:
    with connection.cursor() as cursor, ThreadPoolExecutor(1) as pool:
        cursor.execute("SELECT pg_advisory_lock(%s)", [rotation.ROTATING])
        try:
            with pytest.raises(RotationRunning, match="under way"):
                in_thread(pool, rotated).result()
            KeyEncryptionKey.objects.create(number=9, made_at=timezone.now() - rotation.ROTATE_AFTER)
            assert not in_thread(pool, rotate_keys).result()  # a task that was delivered twice
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [rotation.ROTATING])


def test_writers_and_readers_notice_nothing_of_rotations() -> None:
    people = [uuid4() for _ in range(30)]
    kept, over = keys_for(people), threading.Event()

    def write() -> dict[UUID, bytes]:
        made: dict[UUID, bytes] = {}
        while not over.is_set():
            services.forget_all()
            assert keys_for(people) == keys_of(people) == kept
            made |= keys_for([uuid4()])
        return made

    with ThreadPoolExecutor(3) as pool:
        work = [in_thread(pool, write) for _ in range(3)]
        try:
            rounds = [rotated() for _ in range(5)]
        finally:
            over.set()
        made = work[0].result() | work[1].result() | work[2].result()
    assert keys_of([*people, *made]) == kept | made
    assert vault.numbers() == [rounds[-1].made]
