"""Hostile requests of those who hold keys: producers who post decisions, and auditors who read."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from tests.compliance.ingest.made_decisions import decision
from tests.host.hostile import Hostile
from tests.host.hostile_random import MORE_FOR_HEADERS, TEXTS, with_bent_bytes, with_value

SOURCE, AUDITOR = "hostile-source", "hostile-auditor"
DECISIONS: Final = "/api/v1/ingest/decisions"
CLAIM: Final = f"/api/v1/ingest/sources/{SOURCE}/reconciliations"
GAPS: Final = f"/api/v1/ingest/sources/{SOURCE}/gaps"
AUDIT: Final = "/api/v1/audit/"
PARAMETERS: Final = (
    "from", "to", "service", "source", "surface", "feed_mode", "tier", "jurisdiction", "model", "after", "limit",
    "seed", "size", "at", "reason", "unheard-of", "%00", "id__in", "[]",
)  # fmt: skip
VALUES: Final = (
    "", "1", "-1", "0", "200", "201", "9" * 400, "%00", "a%00b", "%ff%fe", "%ED%A0%80", "%0d%0aX:y", "home", "x" * 3000,
    "2026-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "0001-01-01T00:00:00%2B23:59", "ab" * 32, "%27%3B--", "NaN",
    "00000000-0000-0000-0000-000000000000", "adult", "1e5", "%F0%9F%98%80",
)  # fmt: skip


def keys() -> dict[str, str]:
    """Give out one key of each kind; headers by which its holder is known."""
    from compliance.audit.access import auditors
    from compliance.audit.access.viewing import SCOPES
    from compliance.audit.ingest import sources
    from compliance.audit.ingest.models import IngestSource
    from compliance.audit.models import AuditorKey

    names = {"by": "one person", "why": "hostile requests"}
    if IngestSource.objects.filter(name=SOURCE).exists():
        source = sources.renew(name=SOURCE, **names)
    else:
        source = sources.add(name=SOURCE, service="test", **names)
    auditor = f"{AUDITOR}-{AuditorKey.objects.count()}"
    auditor_key = auditors.add(name=auditor, scopes=SCOPES, days=1, approved_by="another person", **names)
    return {"source": source, "auditor": auditor_key}


def partners(held: dict[str, str], *, seed: int, count: int) -> Iterator[Hostile]:
    """Yield `count` requests, the same for the same seed but for the keys and the moment."""
    dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
    for number in range(count):
        made = _posted(dice, held["source"]) if dice.random() < 0.6 else _read(dice, held["auditor"])
        yield replace(made, name=f"{seed}/{number} {made.name}", expected=frozenset())


def _posted(dice: random.Random, key: str) -> Hostile:
    good = _good(dice, key)
    way = dice.random()
    if way < 0.6:
        return with_value(good, dice)
    if way < 0.85:
        return with_bent_bytes(good, dice)
    if way < 0.95:
        return replace(good, name="key", headers={"Authorization": _wrong_key(dice, key)})
    return replace(good, name="gaps", method="GET", body=b"", path=GAPS + dice.choice(("", "/", "?a=1", "%00")))


def _good(dice: random.Random, key: str) -> Hostile:
    """A batch, or a claim, that is accepted the first time."""
    path, body = DECISIONS, _batch(dice)
    if dice.random() < 0.2:
        path, body = CLAIM, {"hour_ms": 3_600_000 * dice.randrange(490_000), "count": dice.randrange(5)}
    headers = {"Authorization": f"Bearer {key}"}
    return Hostile(name=path, method="POST", path=path, body=json.dumps(body).encode(), headers=headers)


def _batch(dice: random.Random) -> dict[str, Any]:
    first = dice.randrange(1, 2**40)
    made = [decision(first + place, items=dice.randrange(4), seed=first) for place in range(dice.randint(1, 3))]
    return {"events": made}


def _read(dice: random.Random, key: str) -> Hostile:
    one = f"records/{uuid.UUID(int=dice.getrandbits(128))}"
    tails = ("records", "samples", "parameters", "log", one, f"{one}/proof", f"{one}/evidence", f"{one}/replay",
             f"packs/{'ab' * 32}", f"escrow/{'ab' * 32}", "records/%00", "packs/x", "", "..%2frecords")  # fmt: skip
    asked = "&".join(f"{dice.choice(PARAMETERS)}={dice.choice(VALUES)}" for _ in range(dice.randrange(4)))
    headers = {"Authorization": f"Bearer {key}", "X-Reason": dice.choice((*TEXTS, "a check", "a check", "a check"))}
    if dice.random() < 0.1:
        headers["Authorization"] = _wrong_key(dice, key)
    method = "GET" if dice.random() < 0.9 else dice.choice(("POST", "PUT", "DELETE", "HEAD", "BREW"))
    return Hostile(
        name=f"audit {asked[:30]}", method=method, path=f"{AUDIT}{dice.choice(tails)}?{asked}", headers=headers
    )


def _wrong_key(dice: random.Random, key: str) -> str:
    return dice.choice((f"Bearer {key}x", f"bearer {key}", f"Bearer {key[:-1]}", "Bearer ", *TEXTS, *MORE_FOR_HEADERS))
