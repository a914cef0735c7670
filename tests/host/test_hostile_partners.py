"""Those who hold keys can break nothing either: producers' batches and auditors' questions, bent in every way."""

from __future__ import annotations

import time

from django.core.cache import cache

from tests.conftest import World
from tests.host.hostile_partners import keys, partners
from tests.host.hostile_random import throttle_keys
from tests.host.test_hostile_input import Fronted, complaint

RANDOM = 600  # a fifth of what bench/hostile.py sends


def test_hostile_requests_of_key_holders_break_nothing_and_hold_nothing_up(world: World) -> None:
    held = keys()
    client = Fronted(raise_request_exception=False)
    counters = throttle_keys(f"auditor-{held['auditor'].partition('.')[0]}")
    counters += throttle_keys(f"source-{held['source'].partition('.')[0]}")
    complaints, slowest = [], 0.0
    for number, request in enumerate(partners(held, seed=20_261_123, count=RANDOM)):
        if number % 50 == 0:
            cache.delete_many(counters)
        started = time.perf_counter()
        complaints.append(complaint(client, request))
        slowest = max(slowest, time.perf_counter() - started)
    assert [said for said in complaints if said] == []
    assert slowest < 2
