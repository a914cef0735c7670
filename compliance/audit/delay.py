"""How long an event may take into the log, and how old one is by its id."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from ranking.catalogue.clock import from_ms

MERGE_DELAY: Final = timedelta(seconds=60)
"""The published maximum between an event and its place under a signed checkpoint."""
AHEAD: Final = timedelta(minutes=5)
"""How far a clock may run ahead before an event is one of the future."""


LATEST: Final = timedelta(days=28)
"""How long after it was taken a decision may come from another ranker."""


def overdue(event_id: UUID, now: datetime, *, came_at: datetime | None = None) -> bool:
    """Whether an event that no checkpoint covers should be under one by now, or says that it is of the future.

    `came_at`: when another ranker's decision came to us, whose id is as old as the decision. Ours have none: an id is
    committed to, and the time of a row is not.
    """
    try:
        age = now - from_ms(event_id.int >> 80)  # the first 48 bits of a UUIDv7 (RFC 9562, section 5.7)
    except OverflowError:
        return True
    if came_at is not None and age <= LATEST + MERGE_DELAY:
        age = min(age, now - came_at)
    return age > MERGE_DELAY or age < -AHEAD
