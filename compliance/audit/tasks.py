"""Derived work of the audit trail."""

from __future__ import annotations

import logging

from celery import shared_task
from django.utils import timezone

from compliance.audit.keys.errors import RotationRunning
from compliance.audit.keys.orders import SCHEDULE
from compliance.audit.keys.rotation import ROTATE_AFTER, is_due
from compliance.audit.keys.services import rotate
from compliance.audit.storage.partitions import make_ahead

logger = logging.getLogger(__name__)


@shared_task(time_limit=6 * 3600)  # some 100 microseconds a subject; handed out twice, it finds itself at work
def rotate_keys() -> bool:
    """Rotate the keys that wrap subjects' keys when it is time; running it twice changes nothing."""
    if not is_due(timezone.now()):
        return False
    try:
        rotate(by=SCHEDULE, why=f"a key-encryption key is {ROTATE_AFTER.days} days old")
    except RotationRunning:
        return False
    return True


@shared_task(time_limit=6 * 3600)  # a broker that hands it out twice meanwhile meets retention's lock
def retain_by_schedule() -> list[str]:
    """Move to the cold tier what its class lets the schedule move; return that, and what waits for two people."""
    # DuckDB and Arrow: only in the worker that does this.
    from compliance.audit.cold.place import cold_store
    from compliance.audit.place import log_place
    from compliance.audit.retention.plan import plan
    from compliance.audit.retention.services import Busy, HoldsChanged, retain

    today = timezone.now().date()
    try:
        steps = retain(today=today, place=log_place(), store=cold_store(), by=SCHEDULE, why="classes.toml")
        told = [f"{step.act} {step.table} {step.period:%Y-%m}: {wrong or 'done'}" for step, wrong in steps]
    except (Busy, HoldsChanged) as error:
        return [str(error)]
    told += [f"waiting for two people: {step.because}" for step in plan(today) if step.state == "due"]
    for sentence in told:
        logger.warning(sentence)
    return told


@shared_task
def make_partitions() -> int:
    """Make the partitions of the months ahead; return how many were not there. Running it twice changes nothing."""
    return len(make_ahead(now=timezone.now()))
