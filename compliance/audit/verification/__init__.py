"""Is everything on record in the log, unchanged, and is the log whole? Every fault is named in a sentence.

From the outside in: signed heads, tiles, the database's leaves, the events that leaves commit to, what they say, what
acts brought about, blobs, the files of models.
Replays (`compliance.serving.replay`) go further, to scores and order.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from django.conf import settings

from compliance.audit.heads import LogPlace
from compliance.audit.verification import cold
from compliance.audit.verification.blobs import blobs
from compliance.audit.verification.documents import Needed, acts, records
from compliance.audit.verification.events import events
from compliance.audit.verification.heads import heads
from compliance.audit.verification.leaves import leaves
from compliance.audit.verification.models import models
from compliance.audit.verification.parts import begun, gathered
from compliance.audit.verification.standing import standing
from compliance.audit.verification.tally import Progress, Tally, silent


def verify(
    place: LogPlace, *, now: datetime, tally: Tally | None = None, progress: Progress = silent, jobs: int = 1
) -> Iterator[str]:
    """Yield every fault found; nothing when all is as it was recorded. It may run beside a sequencer and a door.

    `tally` is counted up on the way, `progress` hears how far the work is. With several `jobs` other processes check
    the serve records; then it must not be called in a transaction. Raises InTransaction.
    """
    tally, needed = tally or Tally(), Needed()
    if jobs == 1:
        yield from _log(place, now, tally, progress)
        yield from records(needed, now, tally, progress)
        for month in cold.months():
            yield from cold.contents(month, needed, tally, progress)
    else:
        with begun(jobs, now) as parts:
            yield from _log(place, now, tally, progress)
            yield from gathered(parts, needed, tally)
    yield from acts(now, tally, progress)
    yield from standing()
    yield from blobs(needed)
    yield from models(needed.models, Path(settings.MODEL_REGISTRY))


def _log(place: LogPlace, now: datetime, tally: Tally, progress: Progress) -> Iterator[str]:
    progress("signed heads", 0)
    head = yield from heads(place, now)
    yield from leaves(place, head, now, progress)
    yield from events(tally)
