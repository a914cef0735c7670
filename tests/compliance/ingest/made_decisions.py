"""Decisions of a made-up ranker, as a producer would post them."""

from __future__ import annotations

import random
import time
from typing import Any
from uuid import UUID

HEADS = ("like", "finish", "report")


def uuid7(at_ms: int, draw: random.Random) -> UUID:
    """A UUIDv7 (RFC 9562 §5.7) of this millisecond."""
    bits = (at_ms << 80) | (7 << 76) | (draw.getrandbits(12) << 64) | (2 << 62) | draw.getrandbits(62)
    return UUID(int=bits)


def decision(
    sequence: int, *, seed: int = 0, at_ms: int | None = None, items: int = 10, **changes: Any
) -> dict[str, Any]:
    """One decision with `items` items and scores by head."""
    draw = random.Random((seed << 32) + sequence)  # noqa: S311 - repeatable, not secret
    at = int(time.time() * 1000) if at_ms is None else at_ms
    return {
        "version": 1,
        "id": str(uuid7(at, draw)),
        "sequence": sequence,
        "pseudonym": str(UUID(int=draw.getrandbits(128), version=4)),
        "served_at_ms": at,
        "surface": "home",
        "feed_mode": "personalised",
        "tier": "adult",
        "jurisdiction": "EU",
        "model": {"name": "two towers, November", "sha256": "ab" * 32},
        "items": [item(rank, draw) for rank in range(1, items + 1)],
        "reasons": ["ranked by expected enjoyment"],
        "parameters": {"weights.like": "1.0", "weights.report": "-4.0"},
        **changes,
    }


def item(rank: int, draw: random.Random) -> dict[str, Any]:
    """One item of a slate."""
    return {
        "rank": rank,
        "item": f"tt{draw.randrange(10_000_000):07}",
        "source": draw.choice(("similar", "following", "trending")),
        "scores": {head: repr(round(draw.random(), 6) + 1e-6) for head in HEADS},
        "propensity": "0.98",
    }
