"""Writes for people at a page or the API: who they are as actors, and a hint that a new statement waits to be sent."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from compliance.audit.events import note
from compliance.labels.selectors import doubted
from compliance.labels.services import LabelRefused, lift, moderate
from compliance.labels.stating import RULES
from compliance.labels.values import AUDIENCE, Verdict
from compliance.statements import complaints
from compliance.statements.errors import DecisionRefused, NotReviewable
from compliance.statements.models import Actor, ActorKind, Complaint, CreatorAccount, Decision, Outcome, Reversal
from compliance.statements.services import actor, decide
from compliance.statements.types import NewDecision
from host.accounts.models import User
from host.outbox.services import enqueue
from ranking.catalogue.models import Item

TASK = "export_statements"
CLEAR = "clear"
YOURS = "It is your own item, so another moderator has to look at it: nothing was stored."
UPHELD = "A complaint about its restriction was upheld"


def actor_of(user: User) -> Actor:
    """An account as an actor: its number, and no name."""
    return actor(name=f"account {user.pk}", kind=ActorKind.PERSON)


@transaction.atomic
def take_decision(*, service: str, new: NewDecision, user: User) -> Decision:
    """Decide, and hint that the statement waits to be sent; the minute's own look comes where the hint is lost.

    Raises DecisionRefused and AlreadyDecided.
    """
    if new.rule in RULES:
        raise DecisionRefused(
            f"{new.rule} holds items by their labels alone: say what you found at /moderation/items/, and the decision "
            "is taken with the label."
        )
    if is_of(user, new.item_id):
        raise DecisionRefused(YOURS)
    decision = decide(service=service, new=new)
    enqueue(task=TASK, key="waiting", arguments={})
    return decision


@transaction.atomic
def label_item(*, user: User, item: Item, verdict: str, why: str) -> int:
    """Store a moderator's word: `clear`, `unsafe:CATEGORY` or `audience:AUDIENCE`. Returns how many words were new.

    What it restricts is stated, and what it frees is reversed, in the same transaction. Raises LabelRefused.
    """
    if is_of(user, item.pk):
        raise LabelRefused(YOURS)
    verdicts = _verdicts(item, verdict)
    if not verdicts:
        raise LabelRefused("Nothing keeps this item from minors, so there is nothing to clear: say what you found.")
    said = moderate(service=item.service, item_id=item.pk, verdicts=verdicts, by=actor_of(user).name, why=why)
    enqueue(task=TASK, key="waiting", arguments={})
    return said


def _verdicts(item: Item, verdict: str) -> dict[str, str]:
    if verdict == CLEAR:
        return dict.fromkeys(doubted(item), str(Verdict.CLEAR))
    kind, _, value = verdict.partition(":")
    return {AUDIENCE: value} if kind == AUDIENCE else {value: kind}


def is_of(user: User, item_id: int) -> bool:
    """Whether an account is linked to the creator of an item: nobody moderates their own."""
    if user.subject_id is None:
        return False
    mine = CreatorAccount.objects.filter(subject_id=user.subject_id).values("creator_id")
    return Item.objects.filter(pk=item_id, creator_id__in=mine).exists()


@transaction.atomic
def review(*, complaint: Complaint, user: User, outcome: str, reasons: str) -> Complaint:
    """Close a complaint as a moderator. Raises NotReviewable and ComplaintRefused.

    Upholding one about a label also says that the label is wrong: it would restrict without its decision.
    """
    if user.subject_id is not None and complaint.complainant_id == user.subject_id:
        raise NotReviewable("You made this complaint, so somebody else has to look at it.")
    reviewer = actor_of(user)
    stood = not Reversal.objects.filter(decision_id=complaint.statement_id).exists()
    close = complaints.uphold if outcome == Outcome.UPHELD else complaints.reject
    closed = close(complaint=complaint, reviewer=reviewer, reviewer_subject_id=user.subject_id, reasons=reasons)
    if outcome == Outcome.UPHELD and stood:  # else another text was read since, which nobody complained about
        lift(decision=closed.decision, by=reviewer.name, why=UPHELD)
    return closed


def note_look(*, user: User, path: str) -> None:
    """Put a moderator's look at somebody's complaint on record, before it is shown."""
    what = {"by": {"account": user.pk}, "path": path, "query": ""}
    note(kind="staff_view", happened_at=timezone.now(), what=what)
