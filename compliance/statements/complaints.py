"""Complaints (DSA Art. 20 (D20)): made by whoever a statement concerns, closed by a person who did not decide."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.utils import timezone

from compliance.audit.events import note
from compliance.statements.errors import ComplaintRefused, NotReviewable
from compliance.statements.evidence import MOST_FILES, Accepted
from compliance.statements.models import (
    Actor,
    ActorKind,
    Complaint,
    CreatorAccount,
    Delivery,
    Evidence,
    Outcome,
    Statement,
)
from compliance.statements.models.complaints import MOST_COMPLAINT
from compliance.statements.services import reverse
from compliance.statements.wording import COMPLAINT_DAYS, COURTS
from compliance.subjects.models import Subject

KIND: Final = "complaint"
LEAST_REASONS: Final = 20
_AGAIN: Final = "You have complained about this decision and it is being looked at: wait for the answer."


def open_until(statement: Statement, subject: Subject) -> datetime | None:
    """The moment until which a person can complain about a statement; None where it is not theirs."""
    got = Delivery.objects.filter(statement=statement, subject=subject).first()
    mine = CreatorAccount.objects.filter(creator=statement.creator_id, subject=subject)
    if got is None or not mine.exists():
        return None
    return got.delivered_at + timedelta(days=COMPLAINT_DAYS)


@transaction.atomic
def complain(
    *,
    statement: Statement,
    complainant: Subject,
    text: str,
    evidence: Sequence[Accepted] = (),
    now: datetime | None = None,
) -> Complaint:
    """Store a complaint with its evidence. Raises ComplaintRefused; then nothing of it is stored.

    Free of charge, electronic, for six months at least (DSA Art. 20(1)).
    """
    now = now or timezone.now()
    until = open_until(statement, complainant)
    if until is None:
        raise ComplaintRefused("This statement was not sent to you, so you cannot complain about it here.")
    if now > until:
        raise ComplaintRefused(f"The time for complaints ended {COMPLAINT_DAYS} days after you got it. {COURTS}")
    if hasattr(statement.decision, "reversal"):
        raise ComplaintRefused("The decision was reversed, so there is nothing left to complain about.")
    if not text.strip() or len(text) > MOST_COMPLAINT or "\x00" in text:
        raise ComplaintRefused(f"Say in 1 to {MOST_COMPLAINT} characters what is wrong with the decision.")
    if len(evidence) > MOST_FILES:
        raise ComplaintRefused(f"At most {MOST_FILES} files can come with a complaint: leave some out.")
    complaint = _stored(statement, complainant, text, now)
    for accepted in evidence:
        _keep(complaint, accepted)
    _note(complaint, "made", now, {"evidence": [accepted.sha256 for accepted in evidence]})
    return complaint


def uphold(
    *,
    complaint: Complaint,
    reviewer: Actor,
    reasons: str,
    reviewer_subject_id: UUID | None = None,
    now: datetime | None = None,
) -> Complaint:
    """Close a complaint for the complainant; the decision is reversed with a new entry. Raises as `reject` does.

    `reviewer_subject_id` is whom the reviewer is here themselves, if anybody: an actor names no person.
    """
    return _close(complaint, Outcome.UPHELD, reviewer, reviewer_subject_id, reasons, now or timezone.now())


def reject(
    *,
    complaint: Complaint,
    reviewer: Actor,
    reasons: str,
    reviewer_subject_id: UUID | None = None,
    now: datetime | None = None,
) -> Complaint:
    """Close a complaint against the complainant. Raises ComplaintRefused, NotReviewable."""
    return _close(complaint, Outcome.REJECTED, reviewer, reviewer_subject_id, reasons, now or timezone.now())


@transaction.atomic
def _close(
    complaint: Complaint, outcome: Outcome, reviewer: Actor, subject_id: UUID | None, reasons: str, now: datetime
) -> Complaint:
    """Neither by machines alone nor by who decided (DSA Art. 20(4)-(6)); the database holds to both by itself."""
    held = (
        Complaint.objects.select_for_update(of=("self",))
        .select_related("statement__decision__item")
        .get(pk=complaint.pk)
    )
    if held.outcome != Outcome.OPEN:
        raise NotReviewable("This complaint is closed, and a closed one is not changed: its answer is on record.")
    if reviewer.kind != ActorKind.PERSON:
        raise NotReviewable(f"{reviewer} is automated means: a complaint is closed by a person (DSA Art. 20(6)).")
    if reviewer.pk == held.decider_id:
        raise NotReviewable("You took this decision, so somebody else has to look at the complaint about it.")
    if subject_id is not None and is_involved(subject_id, held):
        raise NotReviewable("This item is yours, or the complaint is, so somebody else has to look at it.")
    if len(reasons.strip()) < LEAST_REASONS or len(reasons) > MOST_COMPLAINT:
        raise ComplaintRefused(
            f"Give the reasons in {LEAST_REASONS} to {MOST_COMPLAINT} characters: the answer has to be reasoned "
            "(DSA Art. 20(5))."
        )
    if outcome == Outcome.UPHELD and not hasattr(held.decision, "reversal"):
        reverse(decision=held.decision, by=reviewer, reasons=reasons, now=now)
    held.outcome, held.reviewer, held.reviewer_kind = outcome, reviewer, reviewer.kind
    held.reasons, held.redress, held.closed_at = reasons, COURTS, now
    held.save(update_fields=["outcome", "reviewer", "reviewer_kind", "reasons", "redress", "closed_at"])
    _note(held, "closed", now, {"outcome": str(outcome), "by": reviewer.name})
    return held


def is_involved(subject_id: UUID, complaint: Complaint) -> bool:
    """Whether a person made a complaint, or the item that it is about."""
    creators = [one for one in (complaint.statement.creator_id, complaint.decision.item.creator_id) if one is not None]
    mine = CreatorAccount.objects.filter(creator_id__in=creators, subject_id=subject_id)
    return complaint.complainant_id == subject_id or mine.exists()


def _stored(statement: Statement, complainant: Subject, text: str, now: datetime) -> Complaint:
    try:
        with transaction.atomic():
            return Complaint.objects.create(
                statement=statement,
                decider_id=statement.decision.decided_by_id,
                complainant=complainant,
                text=text,
                made_at=now,
            )
    except IntegrityError as error:
        raise ComplaintRefused(_AGAIN) from error


def _keep(complaint: Complaint, accepted: Accepted) -> None:
    kept = Evidence(
        complaint=complaint,
        name=accepted.name,
        media_type=accepted.media_type,
        size=len(accepted.content),
        sha256=accepted.sha256,
    )
    kept.file.save(accepted.name, ContentFile(accepted.content), save=True)
    # A file outlives a transaction that rolls back; nothing refers to it then, and its name says nothing.


def _note(complaint: Complaint, act: str, now: datetime, more: dict[str, Any]) -> None:
    what = {"act": act, "complaint": str(complaint.id), "decision": str(complaint.statement_id), **more}
    note(kind=KIND, happened_at=now, what=what, pseudonym=complaint.complainant.pseudonym)
