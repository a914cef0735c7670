"""How long somebody who has a limit was served, day by day, and what was pushed to them.

Keyed by the subject, never by a pseudonym: who starts again, or signs in anew, gets no second hour.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import models

from compliance.subjects.models import Subject


class UsageDay(models.Model):
    """One local day of one person. The last list's own minutes are not in it yet: see `limits.usage`."""

    subject = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="usage_days")
    day = models.DateField()  # where the person was
    begins = models.DateTimeField()  # the moments between which it was that day there: 23, 24 or 25 hours
    ends = models.DateTimeField()
    served = models.DurationField(default=timedelta())
    night = models.DurationField(default=timedelta())  # the part of it between 22:00 and 06:00
    opens = models.PositiveIntegerField(default=0)
    last_served_at = models.DateTimeField()
    session_started_at = models.DateTimeField()
    session_served = models.DurationField(default=timedelta())
    breaks_due = models.PositiveIntegerField(default=0)
    breaks_dismissed = models.PositiveIntegerField(default=0)  # asked for a list again while the break was due
    break_met_at = models.DateTimeField(null=True)  # this session's break, when it first refused a list

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject", "day"], name="one_usage_a_day")]
        indexes = [models.Index(fields=["subject", "-last_served_at"], name="latest_usage")]

    def __str__(self) -> str:
        return f"usage {self.pk}"


class PushSent(models.Model):
    """One push that was let out: what is counted against a day's most."""

    subject = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="pushes")
    sent_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["subject", "-sent_at"], name="latest_pushes")]

    def __str__(self) -> str:
        return f"push {self.pk}"


class DayEffect(models.Model):
    """What a day's serving did to one tier, from the serve records: means of a person who was served (M6)."""

    service = models.CharField(max_length=64)
    day = models.DateField()  # UTC
    tier = models.CharField(max_length=10)
    people = models.PositiveIntegerField()
    minutes = models.FloatField()
    minutes_low = models.FloatField(null=True)  # 95 % interval of the mean; null where one person alone was served
    minutes_high = models.FloatField(null=True)
    night_minutes = models.FloatField()
    opens = models.FloatField()
    breaks_due = models.PositiveIntegerField()
    breaks_dismissed = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["service", "day", "tier"], name="one_effect_a_day_and_tier")]

    def __str__(self) -> str:
        return f"{self.tier} on {self.day}"
