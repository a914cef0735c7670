"""Signals of an age tier, challenges, spent proofs and contests: a tier and how it is known, and nothing behind it."""

from __future__ import annotations

from django.db import models

from compliance.subjects.models import Subject, Tier


class Method(models.TextChoices):
    """Where a signal comes from. Nothing is estimated from behaviour: that is not built."""

    SELF_DECLARED = "self_declared", "said by the person"
    GUARDIAN = "guardian", "attested by a guardian"
    ESTIMATED = "estimated", "estimated by a provider"
    VERIFIED = "verified", "verified by a provider"
    DECIDED = "decided", "decided by a person, on a contest"


class AgeSignal(models.Model):
    """One signal; none is ever changed."""

    subject = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="age_signals")
    method = models.CharField(max_length=15, choices=Method.choices)
    tier = models.CharField(max_length=10, choices=Tier.choices)
    confidence_milli = models.PositiveSmallIntegerField()  # thousandths, as the provider states it
    issuer = models.CharField(max_length=64, blank=True)  # of a proof; blank: nobody but the person or a guardian
    at = models.DateTimeField()
    valid_until = models.DateTimeField(null=True, blank=True)  # a proof's own end
    tier_expires_on = models.DateField(null=True, blank=True)  # a month's end, after which another tier may be true

    class Meta:
        indexes = [models.Index(fields=["subject", "id"], name="signals_of_a_subject")]

    def __str__(self) -> str:
        return f"age signal {self.pk}"


class AgeChallenge(models.Model):
    """A number that a proof must be about, so that no proof can be handed on. Kept as a hash."""

    subject = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="age_challenges")
    challenge_sha256 = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"age challenge {self.pk}"


class SpentToken(models.Model):
    """A proof that was used: its hash, of nobody."""

    token_sha256 = models.CharField(max_length=64, primary_key=True)
    spent_on = models.DateField()

    def __str__(self) -> str:
        return f"spent {self.token_sha256[:8]}"


class TierContest(models.Model):
    """Somebody says that their tier is wrong; a person decides, and never the one who decided before."""

    subject = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="tier_contests")
    wanted = models.CharField(max_length=10, choices=Tier.choices)
    asked_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=64, blank=True)
    granted = models.BooleanField(null=True, blank=True)
    why = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subject"], condition=models.Q(decided_at=None), name="one_open_contest_a_subject"
            ),
            models.CheckConstraint(
                condition=models.Q(decided_at=None)
                | (models.Q(granted__isnull=False) & ~models.Q(decided_by__in=["", "schedule", "subject"])),
                name="a_contest_is_decided_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"contest {self.pk}"
