"""Derived work of statements: sending what waits, and the weekly comparison of what was sent."""

from __future__ import annotations

import logging

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from compliance.statements.export.client import Client

logger = logging.getLogger(__name__)


def client_of_settings() -> Client | None:
    """Where statements are sent; None where they are not. Raises ImproperlyConfigured for an address without https."""
    where = settings.STATEMENTS
    return Client(url=where["url"], token=where["token"]) if where["url"] else None


def export_waiting() -> str:
    """Send what waits; why it ended early, if it did. Doing it twice sends nothing twice."""
    from compliance.statements.export.sending import send_waiting

    client = client_of_settings()
    if client is None:
        return ""
    sent = send_waiting(client)
    if sent.halted:
        logger.warning("Sending statements ended early: %s", sent.halted)
    return sent.halted


@shared_task(ignore_result=True)
def export_statements() -> None:
    """Send what waits, every minute: what a lost hint of the outbox costs."""
    export_waiting()


@shared_task(ignore_result=True)
def watch_backlog() -> None:
    """Ring where a statement is about to be late, every hour."""
    from compliance.statements.export.backlog import backlog

    if alarm := backlog(timezone.now()).alarm:
        logger.error(alarm)


@shared_task(ignore_result=True, time_limit=6 * 3600)
def reconcile_weekly() -> None:
    """Compare all that was sent with the decisions, once a week."""
    from compliance.statements.export.reconciling import reconcile

    made, _ = reconcile()
    if made.mismatches:
        logger.error("%s fields of sent statements do not say what was decided.", made.mismatches)
