"""Reads for people: whose statements are whose, and what waits for review. What is not theirs does not exist."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Prefetch, Q, QuerySet

from compliance.statements.models import Complaint, CreatorAccount, Delivery, Evidence, Outcome, Statement
from compliance.subjects.models import Subject


def statements_of(subject: Subject) -> QuerySet[Statement]:
    """The statements about a person's items, newest first, each with its delivery to them and their complaints."""
    mine = CreatorAccount.objects.filter(subject=subject).values("creator_id")
    own = Complaint.objects.filter(complainant=subject).order_by("-pk").prefetch_related("evidence")
    return (
        Statement.objects.filter(creator__in=mine)
        .select_related("decision__item", "decision__reversal")
        .prefetch_related(
            Prefetch("deliveries", queryset=Delivery.objects.filter(subject=subject), to_attr="to_them"),
            Prefetch("complaints", queryset=own, to_attr="from_them"),
        )
        .order_by("-pk")
    )


def own_statement(*, subject: Subject, decision_id: UUID) -> Statement:
    """One of a person's own. Raises Statement.DoesNotExist for anybody else's."""
    return statements_of(subject).get(pk=decision_id)


def open_complaints() -> QuerySet[Complaint]:
    """What waits for a person's review, the oldest first: timely is in that order (DSA Art. 20(4))."""
    return _complaints().filter(outcome=Outcome.OPEN).order_by("pk")


def complaint_of(complaint_id: UUID) -> Complaint:
    """A complaint with everything that a reviewer must see. Raises Complaint.DoesNotExist."""
    found: Complaint = _complaints().get(pk=complaint_id)
    return found


def evidence_for(*, evidence_id: UUID, subject: Subject | None) -> Evidence:
    """A file, for who sent it, or for a moderator (`subject` None). Raises Evidence.DoesNotExist."""
    whose = Q() if subject is None else Q(complaint__complainant=subject)
    return Evidence.objects.get(whose, pk=evidence_id)


def _complaints() -> QuerySet[Complaint, Any]:
    return Complaint.objects.select_related(
        "statement__decision__item", "statement__decision__decided_by", "statement__decision__reversal", "reviewer"
    ).prefetch_related("evidence")
