"""Bodies made ready to go: built, scrubbed, judged by the schema's rules, and kept before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from compliance.statements.export.body import body_of, bytes_of
from compliance.statements.export.rules import faults
from compliance.statements.models import Decision, State, Submission

BATCH: Final = 200

Names = Callable[[Decision], Iterable[str]]


def names_of(decision: Decision) -> list[str]:
    """Names of the account holders a decision concerns: the creator's, and what the room above knows of them."""
    above: Names = import_string(settings.STATEMENTS["names"])
    creator = decision.item.creator
    return [*([creator.name] if creator else []), *above(decision)]


def prepare(*, now: datetime, most: int) -> int:
    """Build the bodies of submissions that have none. Those that break a rule are refused, with the rules named.

    Returns how many were refused. What has a body keeps it: a second attempt sends the same bytes.
    """
    refused = 0
    for _ in range(0, most, BATCH):
        with transaction.atomic():
            waiting = Submission.objects.filter(state=State.WAITING, body=None, due_at__lte=now)
            rows = list(
                waiting.select_for_update(of=("self",), skip_locked=True)
                .select_related("decision__item__creator")
                .order_by("queued_at")[:BATCH]
            )
            refused += sum([_prepare(row) for row in rows])
            Submission.objects.bulk_update(rows, ["body", "state", "problem"])
        if len(rows) < BATCH:
            break
    return refused


def _prepare(row: Submission) -> bool:
    body = body_of(row.decision, names=names_of(row.decision))
    row.body = bytes_of(body)
    if wrong := faults(body):
        row.state, row.problem = State.REFUSED, "Not sent: " + " ".join(wrong[field] for field in sorted(wrong))
    return bool(wrong)
