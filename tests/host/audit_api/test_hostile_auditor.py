"""An auditor whose program has gone mad, or whose key was stolen: nothing breaks, and nothing goes unrecorded."""

from __future__ import annotations

import random
import time
from urllib.parse import quote_from_bytes

from django.core.cache import cache
from django.test import Client

from compliance.audit.models import AuditEvent
from tests.host.audit_api.conftest import AUDIT
from tests.host.hostile import AUDIT_READERS
from tests.host.hostile_random import HEADERS, RAW_VALUES, TEXTS

COUNT = 300
NAMES = (
    "limit", "after", "service", "source", "surface", "feed_mode", "tier", "jurisdiction", "model", "from", "to",
    "reason", "seed", "size", "at", "a",
)  # fmt: skip
MORE = (b"1", b"50", b"home", b"a", b"2026-01-01T00:00:00Z", b"1970-01-01T00:00:00Z", b"why not", b"9007199254740991")


def address(dice: random.Random, serve_id: str) -> str:
    paths = [*(path.replace("00000000-0000-0000-0000-000000000007", serve_id) for path in AUDIT_READERS)]
    path = dice.choice([*paths, f"{AUDIT}records", f"{AUDIT}records", f"{AUDIT}samples", f"{AUDIT}samples"])
    names = dice.sample(NAMES, dice.randint(0, 3)) + (["seed"] if path.endswith("samples") else [])
    values = [value[:1500] for value in RAW_VALUES]
    given = [f"{name}={quote_from_bytes(dice.choice((*MORE, *MORE, dice.choice(values))))}" for name in names]
    return f"{path}?{'&'.join(given)}" if given else path


def test_a_key_in_wild_hands_breaks_nothing_and_every_answer_is_on_record(serves: list[str], key: str) -> None:
    dice, slowest = random.Random(20_261_122), 0.0  # noqa: S311 - repeatable
    client = Client(raise_request_exception=False)
    answered: dict[int, int] = {}
    for number in range(COUNT):
        if number % 50 == 0:
            cache.clear()  # else most would be refused for their number
        headers = {"Authorization": f"Bearer {key}", "X-Reason": dice.choice(("a hostile inspection", *TEXTS))}
        if dice.random() < 0.2:
            headers[dice.choice([name for name in HEADERS if name != "Authorization"])] = dice.choice(TEXTS)
        where, started = address(dice, dice.choice(serves)), time.perf_counter()
        answer = client.get(where, headers=headers)
        slowest = max(slowest, time.perf_counter() - started)
        answered[answer.status_code] = answered.get(answer.status_code, 0) + 1
        assert answer.status_code < 500, (where, headers, answer.content)
        assert answer["Content-Type"] == "application/json"
        if answer.status_code >= 400:
            assert set(answer.json()) == {"message", "extra"}
    assert answered[200] > 20, answered
    shown = AuditEvent.objects.filter(kind="auditor_view").count()
    assert shown >= answered[200]
    assert slowest < 2
