"""Writes of the outbox: enqueue with the fact, run once, record failures, publish again, forget the old."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F, FloatField, QuerySet, Value
from django.db.models.functions import Coalesce, Least, Power
from django.utils import timezone
from kombu import Connection, pools
from kombu.exceptions import LimitExceeded, OperationalError

from host.outbox.handlers import handler, handler_path
from host.outbox.models import OutboxEntry

MOST_DOUBLINGS = 7  # at most 64 minutes between attempts
SWEEP_LIMIT = 500
KEEP_DONE = timedelta(days=7)
ERROR_LENGTH = 2000
BROKER_PATIENCE_SECONDS = 0.5  # somebody waits for the answer to a click, and the sweeper comes anyway
IMPATIENT = {
    "max_retries": 0,
    "socket_connect_timeout": BROKER_PATIENCE_SECONDS,
    "socket_timeout": BROKER_PATIENCE_SECONDS,
}

logger = logging.getLogger(__name__)


def enqueue(*, task: str, key: str, arguments: dict[str, Any]) -> OutboxEntry:
    """Write one piece of work in the caller's transaction, and publish it when that commits.

    `key` names the work (an event id, say): while an entry with the same task and key is undone, it is that one that is
    returned. Raises UnknownTaskError, or ValueError when the undone entry has other arguments.
    """
    handler_path(task)
    while True:
        new = OutboxEntry(task=task, key=key, arguments=arguments)
        OutboxEntry.objects.bulk_create([new], ignore_conflicts=True)
        entry = OutboxEntry.objects.filter(task=task, key=key, done_at=None).first()
        if entry is not None:  # else another one was in the way and has been done since
            break
    if entry.arguments != arguments:
        raise ValueError(f"{task} {key} already waits with other arguments: give each piece of work a key of its own.")
    transaction.on_commit(partial(publish, entry_ids=[entry.id]))
    return entry


def publish(*, entry_ids: list[UUID]) -> None:
    """Hint to the workers that these entries wait. A broker that is down is logged: the sweeper publishes again."""
    from host.outbox.tasks import run_entry

    published = []
    try:
        with pools.producers[_impatient_connection()].acquire(block=True, timeout=BROKER_PATIENCE_SECONDS) as producer:
            for entry_id in entry_ids:
                run_entry.apply_async((str(entry_id),), producer=producer, retry=False)
                published.append(entry_id)
    except (OperationalError, LimitExceeded, OSError) as error:
        logger.warning("The broker took no message (%s); the sweeper will publish again.", error)
    OutboxEntry.objects.filter(id__in=published).update(published_at=timezone.now())


def _impatient_connection() -> Connection:
    """Describe a connection that fails at once; equal descriptions share one pool of open connections."""
    connection: Connection = current_app.connection_for_write(
        connect_timeout=BROKER_PATIENCE_SECONDS, transport_options=IMPATIENT
    )
    return connection


def run(*, entry_id: UUID) -> bool:
    """Do one entry's work and mark it done, in one transaction. Returns False when it is done or in other hands."""
    with transaction.atomic():
        waiting = OutboxEntry.objects.select_for_update(skip_locked=True)
        entry = waiting.filter(id=entry_id, done_at=None).first()
        if entry is None:
            return False
        handler(entry.task)(entry.arguments)
        entry.done_at = timezone.now()
        entry.last_error = ""
        entry.save(update_fields=["done_at", "last_error"])
    return True


def record_failure(*, entry_id: UUID, error: BaseException) -> None:
    """Count a failed attempt; the sweeper tries again, later each time."""
    text = f"{type(error).__name__}: {error}".replace("\0", "")[:ERROR_LENGTH]
    OutboxEntry.objects.filter(id=entry_id).update(attempts=F("attempts") + 1, last_error=text)


def overdue(*, now: datetime) -> QuerySet[OutboxEntry]:
    """Return the undone entries whose last publication is longer ago than their back-off, the oldest first.

    The back-off begins with the time between two sweeps, and each failed attempt doubles it.
    """
    doublings = Power(Value(2.0), Least(F("attempts"), Value(MOST_DOUBLINGS)), output_field=FloatField())
    first = Value(timedelta(seconds=settings.OUTBOX_SWEEP_SECONDS), DurationField())
    wait = ExpressionWrapper(first * doublings, output_field=DurationField())
    last = Coalesce("published_at", "created_at")
    due = ExpressionWrapper(last + wait, output_field=DateTimeField())
    return OutboxEntry.objects.filter(done_at=None).annotate(due_at=due).filter(due_at__lte=now).order_by(last)


def sweep() -> int:
    """Publish overdue entries again, except those that a worker holds. Returns how many were found."""
    with transaction.atomic():
        found = overdue(now=timezone.now()).select_for_update(skip_locked=True)
        entry_ids = list(found.values_list("id", flat=True)[:SWEEP_LIMIT])
    publish(entry_ids=entry_ids)
    return len(entry_ids)


def forget_done() -> int:
    """Delete entries that were done more than a week ago. Returns how many."""
    deleted, _ = OutboxEntry.objects.filter(done_at__lt=timezone.now() - KEEP_DONE).delete()
    return deleted
