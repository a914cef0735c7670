"""The statement of reasons that goes with a decision, and who gets it."""

from __future__ import annotations

from django.db import models

from compliance.statements.models.decisions import Decision
from compliance.subjects.models import Subject
from ranking.catalogue.models import Creator


class CreatorAccount(models.Model):
    """Whose a creator is: ranking knows creators and no people. The subject gets the creator's statements."""

    creator = models.ForeignKey(Creator, on_delete=models.CASCADE, related_name="+")
    subject = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="+")
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["creator", "subject"], name="creator_linked_once")]

    def __str__(self) -> str:
        return f"creator {self.creator_id}"


class Statement(models.Model):
    """What the creator reads (DSA Art. 17(3)). A decision without one cannot be committed, not even by SQL."""

    decision = models.OneToOneField(Decision, primary_key=True, on_delete=models.PROTECT, related_name="statement")
    creator = models.ForeignKey(Creator, null=True, on_delete=models.PROTECT, related_name="+")  # null: nobody known
    text = models.TextField()
    redress = models.TextField()
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(text__regex=r"\S", redress__regex=r"\S"), name="statement_says_why_and_what_next"
            )
        ]

    def __str__(self) -> str:
        return f"statement of {self.decision_id}"


class Delivery(models.Model):
    """A statement in somebody's hands. The time for complaints runs from here (DSA Art. 20(2))."""

    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="deliveries")
    subject = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="+")
    delivered_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["statement", "subject"], name="delivered_once")]

    def __str__(self) -> str:
        return f"delivery of {self.statement_id}"
