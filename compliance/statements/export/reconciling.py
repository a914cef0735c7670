"""The weekly comparison: each field of everything that was sent, derived again from the decisions (AC-SOR (D24))."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson
from django.db import transaction
from django.utils import timezone

from compliance.audit.events import note
from compliance.statements.export.readback import READERS, Mismatch, mismatches
from compliance.statements.models import Reconciliation, State, Submission

KIND: Final = "statement"
CHUNK: Final = 500


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """A sent statement that does not say what was decided."""

    decision_id: UUID
    fields: tuple[Mismatch, ...]


def wrong_bodies(*, progress: Callable[[int], None] = lambda _: None) -> Iterator[Wrong]:
    """Read every body that was sent back against its decision; yield those that disagree."""
    sent = Submission.objects.filter(state=State.SENT).select_related("decision__item", "decision__decided_by")
    for number, row in enumerate(sent.order_by("pk").iterator(chunk_size=CHUNK), 1):
        progress(number)
        if found := mismatches(row.decision, orjson.loads(bytes(row.body or b"{}"))):
            yield Wrong(decision_id=row.decision_id, fields=tuple(found))


@transaction.atomic
def reconcile(
    *, now: datetime | None = None, progress: Callable[[int], None] = lambda _: None
) -> tuple[Reconciliation, list[Wrong]]:
    """Compare all of it, put the result on record, and return it with what disagrees."""
    now = now or timezone.now()
    statements = Submission.objects.filter(state=State.SENT).count()
    wrong = list(wrong_bodies(progress=progress))
    by_field = Counter(mismatch.field for each in wrong for mismatch in each.fields)
    made = Reconciliation.objects.create(
        made_at=now,
        statements=statements,
        fields=statements * len(READERS),
        mismatches=by_field.total(),
        statements_wrong=len(wrong),
        by_field=dict(sorted(by_field.items())),
    )
    counts = {"statements": statements, "mismatches": made.mismatches, "by_field": made.by_field}
    note(kind=KIND, happened_at=now, what={"act": "reconciled", **counts})
    return made, wrong


def rate_of(made: Reconciliation) -> float:
    """Mismatching fields among all that were compared: what is published."""
    return made.mismatches / made.fields if made.fields else 0.0
