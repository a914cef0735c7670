"""Versions of a service's policy set: proposed by one person, approved by another, in force one at a time."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class State(models.TextChoices):
    """Where a version stands."""

    PROPOSED = "proposed", "proposed"
    APPROVED = "approved", "approved"
    ACTIVE = "active", "in force"
    RETIRED = "retired", "retired"
    REFUSED = "refused", "refused"


class PolicyVersion(models.Model):
    """One proposal of a policy set. `content` is its canonical bytes, `sha256` their address."""

    service = models.CharField(max_length=64)
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()
    state = models.CharField(max_length=8, choices=State, default=State.PROPOSED)
    why = models.CharField(max_length=500)
    proposed_by = models.CharField(max_length=128)
    proposed_at = models.DateTimeField()
    dry_run = models.JSONField(null=True)  # what it would have changed: see `changing.dry_run`
    checked = models.JSONField(null=True)  # what looking at every state found, when it was approved
    approved_by = models.CharField(max_length=128, blank=True, default="")
    approved_at = models.DateTimeField(null=True)
    activated_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)  # retired or refused

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["service"], condition=Q(state=State.ACTIVE), name="one_policy_in_force"),
            models.CheckConstraint(
                condition=~Q(state__in=[State.APPROVED, State.ACTIVE])
                | (~Q(approved_by="") & ~Q(approved_by=F("proposed_by"))),
                name="policy_needs_two_people",
            ),
        ]

    def __str__(self) -> str:
        return f"policy version {self.pk}"
