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


def overdue(event_id: UUID, now: datetime) -> bool:
    """Whether an event that no checkpoint covers should be under one by now, or says that it is of the future."""
    try:
        age = now - from_ms(event_id.int >> 80)  # the first 48 bits of a UUIDv7 (RFC 9562, section 5.7)
    except OverflowError:
        return True
    return age > MERGE_DELAY or age < -AHEAD
