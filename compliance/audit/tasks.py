"""Derived work of the audit trail."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from compliance.audit.keys.orders import SCHEDULE
from compliance.audit.keys.rotation import ROTATE_AFTER, is_due
from compliance.audit.keys.services import rotate


@shared_task
def rotate_keys() -> bool:
    """Rotate the keys that wrap subjects' keys when it is time; running it twice changes nothing."""
    if not is_due(timezone.now()):
        return False
    rotate(by=SCHEDULE, why=f"a key-encryption key is {ROTATE_AFTER.days} days old")
    return True
