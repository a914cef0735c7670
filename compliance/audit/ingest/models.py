"""Who may post decisions, which of their numbers have come, and how many they say they sent."""

from __future__ import annotations

from django.db import models


class IngestSource(models.Model):
    """One producer of decisions: one stream of sequence numbers, written under one key."""

    name = models.CharField(max_length=32, primary_key=True)
    service = models.CharField(max_length=64)
    key_sha256 = models.BinaryField()  # of the key, which is drawn at random and shown once
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"source {self.name}"


class IngestRange(models.Model):
    """Sequence numbers of a source that have come, without a gap between `first` and `last`."""

    pk = models.CompositePrimaryKey("source", "first")
    source = models.CharField(max_length=32)
    first = models.BigIntegerField()
    last = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(first__gte=1, last__gte=models.F("first")), name="a_range_is_one")
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.first} to {self.last}"


class IngestClaim(models.Model):
    """How many decisions of one hour a source says it took, and how many there were: the last of its audit events."""

    pk = models.CompositePrimaryKey("source", "hour")
    source = models.CharField(max_length=32)
    hour = models.DateTimeField()
    claimed = models.BigIntegerField()
    on_record = models.BigIntegerField()
    claimed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.source} {self.hour:%Y-%m-%dT%H} {self.claimed}"
