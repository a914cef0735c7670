"""The writers' memory of keys: small, short, and never older than an erasure."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest

from compliance.audit.keys.cache import LIFETIME_S, WriteCache

KEY = b"k" * 32


def test_the_least_recently_used_go_first() -> None:
    cache, people = WriteCache(size=2), [uuid4() for _ in range(3)]
    for person in people[:2]:
        cache.put({person: KEY}, cache.ticket())
    assert cache.get([people[0]])
    cache.put({people[2]: KEY}, cache.ticket())
    assert cache.get(people).keys() == {people[0], people[2]}


def test_a_key_is_forgotten_a_minute_after_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    cache, one, now = WriteCache(), uuid4(), [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    ticket = cache.ticket()
    now[0] += LIFETIME_S - 1  # a long transaction
    cache.put({one: KEY}, ticket)
    assert cache.get([one]) == {one: KEY}
    now[0] += 1
    assert cache.get([one]) == {}


def test_a_key_that_was_read_before_an_erasure_is_not_remembered_after_it() -> None:
    cache, one = WriteCache(), uuid4()
    ticket = cache.ticket()
    cache.forget(one)
    cache.put({one: KEY}, ticket)
    assert cache.get([one]) == {}


def test_clearing_forgets_all() -> None:
    cache, one = WriteCache(), uuid4()
    cache.put({one: KEY}, cache.ticket())
    cache.clear()
    assert cache.get([one]) == {}
