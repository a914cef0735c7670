"""Complaints about decisions (DSA Art. 20 (D20)): what a person said, with evidence, and what another person found."""

from __future__ import annotations

import uuid

import uuid_utils.compat as uuids
from django.db import models
from django.db.models import F, Q

from compliance.statements.models.actors import Actor, ActorKind
from compliance.statements.models.decisions import Decision
from compliance.statements.models.delivery import Statement
from compliance.subjects.models import Subject

MOST_COMPLAINT = 5000


class Outcome(models.TextChoices):
    """How a complaint ended."""

    OPEN = "", "being looked at"
    UPHELD = "upheld", "upheld: the decision was reversed"
    REJECTED = "rejected", "rejected: the decision stands"


class Complaint(models.Model):
    """One complaint. Only a person can have closed it, and not the one who decided: two keys of two columns say so."""

    id = models.UUIDField(primary_key=True, default=uuids.uuid7, editable=False)
    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="complaints")
    decider = models.ForeignKey(Actor, on_delete=models.PROTECT, related_name="+")  # the decision's own, by its key
    complainant = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="+")
    text = models.TextField(max_length=MOST_COMPLAINT)
    made_at = models.DateTimeField()
    outcome = models.CharField(max_length=8, choices=Outcome.choices, blank=True, default=Outcome.OPEN)
    reviewer = models.ForeignKey(Actor, null=True, on_delete=models.PROTECT, related_name="+")
    reviewer_kind = models.CharField(max_length=7, choices=ActorKind.choices, blank=True, null=True)  # noqa: DJ001
    reasons = models.TextField(max_length=MOST_COMPLAINT, blank=True)
    redress = models.TextField(blank=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["statement", "complainant"], condition=Q(outcome=""), name="one_open_complaint_each"
            ),
            models.CheckConstraint(condition=Q(text__regex=r"\S"), name="complaint_says_something"),
            models.CheckConstraint(
                condition=Q(outcome="", reviewer=None, reviewer_kind=None, closed_at=None)
                | Q(
                    outcome__in=["upheld", "rejected"],
                    reviewer__isnull=False,
                    reviewer_kind=ActorKind.PERSON,
                    closed_at__isnull=False,
                    reasons__regex=r"\S",
                    redress__regex=r"\S",
                ),
                name="complaint_closed_by_a_person_with_reasons",
            ),
            models.CheckConstraint(
                condition=Q(reviewer=None) | ~Q(reviewer=F("decider")), name="complaint_not_closed_by_the_decider"
            ),
        ]

    def __str__(self) -> str:
        return f"complaint {self.id}"

    @property
    def decision(self) -> Decision:
        """What it is about."""
        return self.statement.decision


def evidence_path(evidence: Evidence, _: str) -> str:
    """Where a file lies: under a name of ours, with no ending that anything would run or show."""
    return f"statements/evidence/{evidence.id.hex}"


class Evidence(models.Model):
    """A file that came with a complaint. It is kept, handed out as a download, and never opened here."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    complaint = models.ForeignKey(Complaint, on_delete=models.PROTECT, related_name="evidence")
    name = models.CharField(max_length=100)
    media_type = models.CharField(max_length=40)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    file = models.FileField(upload_to=evidence_path)

    def __str__(self) -> str:
        return f"evidence {self.id}"
