"""What was sent to the DSA Transparency Database, byte for byte, and what a comparison with the decisions found."""

from __future__ import annotations

from django.db import models

from compliance.statements.models.decisions import Decision


class State(models.TextChoices):
    """Where a submission stands."""

    WAITING = "waiting", "waiting"
    SENT = "sent", "in the public database"
    REFUSED = "refused", "refused: it must be corrected"
    DIFFERENT = "different", "the public database holds another body under this identifier"


class Submission(models.Model):
    """One statement on its way out: written with the decision, so that none is forgotten (DSA Art. 24(5) (D24))."""

    decision = models.OneToOneField(Decision, primary_key=True, on_delete=models.PROTECT, related_name="submission")
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    queued_at = models.DateTimeField()
    due_at = models.DateTimeField()  # when it is tried next
    attempts = models.PositiveIntegerField(default=0)
    problem = models.TextField(blank=True)
    body = models.BinaryField(null=True)  # as sent
    sent_at = models.DateTimeField(null=True)
    was_there = models.BooleanField(default=False)  # an earlier attempt had arrived, with the same body
    public_id = models.CharField(max_length=64, blank=True)  # the uuid that it has there
    permalink = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(state="sent") | models.Q(body__isnull=False, sent_at__isnull=False),
                name="what_was_sent_is_kept",
            )
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(state="waiting"), name="submissions_waiting"),
            models.Index(fields=["sent_at"], name="submissions_sent"),
        ]

    def __str__(self) -> str:
        return f"submission of {self.decision_id}"


class Reconciliation(models.Model):
    """One comparison of everything that was sent with the decisions it is about. Its mismatch rate is published."""

    made_at = models.DateTimeField()
    statements = models.PositiveIntegerField()
    fields = models.PositiveIntegerField()
    mismatches = models.PositiveIntegerField()
    statements_wrong = models.PositiveIntegerField()
    by_field: models.JSONField[dict[str, int], dict[str, int]] = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"reconciliation of {self.made_at:%Y-%m-%d}"
