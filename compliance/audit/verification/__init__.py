"""Is everything on record in the log, unchanged, and is the log whole? Every fault is named in a sentence.

The order is from the outside in: signed heads, tiles, the database's leaves, the events that leaves commit to, blobs.
Replays (`compliance.serving.replay`) go further, to scores and order.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from compliance.audit.heads import LogPlace
from compliance.audit.verification.blobs import blobs
from compliance.audit.verification.events import events
from compliance.audit.verification.heads import heads
from compliance.audit.verification.leaves import leaves


def verify(place: LogPlace, *, now: datetime) -> Iterator[str]:
    """Yield every fault found; nothing when all is as it was recorded. It may run beside a sequencer and a door."""
    needed = blobs()  # which blobs the records of this moment need, before any later record
    head = yield from heads(place, now)
    yield from leaves(place, head, now)
    yield from events(now)
    yield from needed
