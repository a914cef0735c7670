"""Writes for people at a page or the API: who they are as actors, and a hint that a new statement waits to be sent."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from compliance.audit.events import note
from compliance.statements import complaints
from compliance.statements.errors import NotReviewable
from compliance.statements.models import Actor, ActorKind, Complaint, Decision, Outcome
from compliance.statements.services import actor, decide
from compliance.statements.types import NewDecision
from host.accounts.models import User
from host.outbox.services import enqueue

TASK = "export_statements"


def actor_of(user: User) -> Actor:
    """An account as an actor: its number, and no name."""
    return actor(name=f"account {user.pk}", kind=ActorKind.PERSON)


@transaction.atomic
def take_decision(*, service: str, new: NewDecision) -> Decision:
    """Decide, and hint that the statement waits to be sent; the minute's own look comes where the hint is lost."""
    decision = decide(service=service, new=new)
    enqueue(task=TASK, key="waiting", arguments={})
    return decision


def review(*, complaint: Complaint, user: User, outcome: str, reasons: str) -> Complaint:
    """Close a complaint as a moderator. Raises NotReviewable and ComplaintRefused."""
    if user.subject_id is not None and complaint.complainant_id == user.subject_id:
        raise NotReviewable("You made this complaint, so somebody else has to look at it.")
    close = complaints.uphold if outcome == Outcome.UPHELD else complaints.reject
    return close(complaint=complaint, reviewer=actor_of(user), reasons=reasons)


def note_look(*, user: User, path: str) -> None:
    """Put a moderator's look at somebody's complaint on record, before it is shown."""
    what = {"by": {"account": user.pk}, "path": path, "query": ""}
    note(kind="staff_view", happened_at=timezone.now(), what=what)
