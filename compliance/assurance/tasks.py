"""Daily work of age assurance: forget challenges and spent proofs that nothing could use any more."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from compliance.assurance.services import forget_spent


@shared_task
def forget_old_proofs() -> int:
    """Delete what is over; return how many hashes went."""
    return forget_spent(now=timezone.now())
