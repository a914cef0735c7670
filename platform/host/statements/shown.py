"""Statements and complaints as pages and API show them: one shape for both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from compliance.statements.models import Complaint, Decision, Statement
from compliance.statements.wording import COMPLAINT_DAYS, scope_of


@dataclass(frozen=True, kw_only=True)
class ShownFile:
    """A file that came with a complaint."""

    id: UUID
    name: str
    media_type: str
    size: int


@dataclass(frozen=True, kw_only=True)
class ShownComplaint:
    """A complaint and, where there is one, its answer."""

    id: UUID
    made_at: datetime
    text: str
    outcome: str
    outcome_words: str
    reasons: str
    redress: str
    closed_at: datetime | None
    evidence: tuple[ShownFile, ...]


@dataclass(frozen=True, kw_only=True)
class ShownStatement:
    """A statement of reasons with the state of its decision, for one of those whom it concerns."""

    id: UUID
    item_id: int
    item_title: str
    kind: str
    kind_words: str
    amount: int | None
    rule: str
    scope: str
    text: str
    redress: str
    made_at: datetime
    delivered_at: datetime | None
    starts_at: datetime
    ends_at: datetime | None
    reversed_at: datetime | None
    reversal_reasons: str
    complaint_until: datetime | None
    can_complain: bool
    complaints: tuple[ShownComplaint, ...]

    @property
    def paragraphs(self) -> list[tuple[str, str]]:
        """The text as headed paragraphs."""
        parts = [paragraph.partition(": ") for paragraph in self.text.split("\n\n")]
        return [(head, rest) for head, _, rest in parts]


def shown_statement(statement: Statement, now: datetime | None = None) -> ShownStatement:
    """One that `reading.statements_of` found, as its reader sees it."""
    now, decision, reversal = now or timezone.now(), statement.decision, reversal_of(statement.decision)
    delivery = next(iter(getattr(statement, "to_them", ())), None)
    made = tuple(shown_complaint(one) for one in getattr(statement, "from_them", ()))
    until = None if delivery is None else delivery.delivered_at + timedelta(days=COMPLAINT_DAYS)
    waits = any(one.closed_at is None for one in made)
    return ShownStatement(
        id=decision.id,
        item_id=decision.item_id,
        item_title=decision.item.title,
        kind=decision.kind,
        kind_words=decision.get_kind_display(),
        amount=decision.amount,
        rule=decision.rule,
        scope=scope_of(decision),
        text=statement.text,
        redress=statement.redress,
        made_at=statement.made_at,
        delivered_at=None if delivery is None else delivery.delivered_at,
        starts_at=decision.starts_at,
        ends_at=decision.ends_at,
        reversed_at=None if reversal is None else reversal.at,
        reversal_reasons="" if reversal is None else reversal.reasons,
        complaint_until=until,
        can_complain=until is not None and now <= until and reversal is None and not waits,
        complaints=made,
    )


def shown_complaint(complaint: Complaint) -> ShownComplaint:
    """A complaint as whoever made it, or a moderator, sees it."""
    return ShownComplaint(
        id=complaint.id,
        made_at=complaint.made_at,
        text=complaint.text,
        outcome=complaint.outcome or "open",
        outcome_words=complaint.get_outcome_display(),
        reasons=complaint.reasons,
        redress=complaint.redress,
        closed_at=complaint.closed_at,
        evidence=tuple(
            ShownFile(id=file.id, name=file.name, media_type=file.media_type, size=file.size)
            for file in complaint.evidence.all()
        ),
    )


def reversal_of(decision: Decision) -> Any:
    """The reversal of a decision that was read with it; None where it stands."""
    return getattr(decision, "reversal", None)
