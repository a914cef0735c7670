"""Celery tasks of the outbox."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from celery import Task, shared_task

from host.outbox import services


class EntryTask(Task[[str], None]):
    """Counts failures in a transaction of its own, after the failed one was rolled back."""

    def on_failure(self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """Record the error, also when the worker process was lost or ran out of time."""
        services.record_failure(entry_id=UUID(args[0]), error=exc)


# The sweeper brings back work whose process was lost, with a back-off: redelivery at once could kill every worker.
@shared_task(base=EntryTask, acks_late=True, reject_on_worker_lost=False, ignore_result=True)
def run_entry(entry_id: str) -> None:
    """Do one entry's work, unless it is done or in other hands."""
    services.run(entry_id=UUID(entry_id))


@shared_task(ignore_result=True)
def sweep() -> None:
    """Publish overdue entries again: every OUTBOX_SWEEP_SECONDS."""
    services.sweep()


@shared_task(ignore_result=True)
def forget_done() -> None:
    """Delete what was done a week ago: once a day."""
    services.forget_done()
