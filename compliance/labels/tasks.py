"""Derived work on labels: what is new or changed is read by the classifier; pools are watched."""

from __future__ import annotations

from typing import Final

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from compliance.labels import pools
from compliance.labels.services import read_all

BUDGET_S: Final = 120.0
"""Well below CELERY_TASK_TIME_LIMIT; what is left waits for the next minute."""


@shared_task
def label_new_items() -> int:
    """Read what nobody announced through the outbox; returns how many items. Running it twice changes nothing."""
    return read_all(service=settings.SERVICE, budget_s=BUDGET_S)


@shared_task
def watch_pools() -> int:
    """Count what every tier may be shown; an error is logged for each pool that is too small. Returns how many are."""
    return len(pools.watch(service=settings.SERVICE, now=timezone.now()))
