"""Daily work of the limits: count yesterday's effects, forget days that no limit reads any more."""

from __future__ import annotations

from datetime import UTC, timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from compliance.limits import effects, services


@shared_task
def count_effects() -> int:
    """Count what yesterday did to each tier; running it twice changes nothing."""
    yesterday = (timezone.now().astimezone(UTC) - timedelta(days=1)).date()
    return effects.keep_effects(service=settings.SERVICE, day=yesterday)


@shared_task
def forget_old_days() -> int:
    """Delete served days and pushes of more than 35 days ago."""
    return services.forget_old(now=timezone.now())
