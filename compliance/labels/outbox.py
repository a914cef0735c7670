"""What the outbox's worker does for labels: whoever writes items enqueues `label_items` in the same transaction."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from compliance.labels.services import read_all
from compliance.labels.tasks import BUDGET_S


def label_items(arguments: dict[str, Any]) -> None:
    """Have new and changed items read, a batch at a time; doing it twice changes nothing."""
    read_all(service=settings.SERVICE, budget_s=BUDGET_S)
