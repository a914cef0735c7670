"""Derived work of the door: the daily shadow replay and its alarm."""

from __future__ import annotations

import logging
from typing import Final

from celery import shared_task
from django.utils import timezone

from compliance.serving.replay.shadow import shadow_replay as replay_a_share

BUDGET_S: Final = 150.0
"""Well below CELERY_TASK_TIME_LIMIT: loading a model and the last hundred replays come on top."""

logger = logging.getLogger(__name__)


@shared_task
def shadow_replay() -> bool:
    """Replay 1 % of yesterday's slates; whether all kept what they promised. Running it twice changes nothing."""
    outcome = replay_a_share(now=timezone.now(), budget_s=BUDGET_S)
    if outcome.alarming:
        logger.error("%s Run `manage.py replay` with these ids: %s", outcome, ", ".join(outcome.failed) or "none")
    return not outcome.alarming
