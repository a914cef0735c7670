"""Legal holds: what may not go, whatever its class says."""

from __future__ import annotations

from django.db import models


class LegalHold(models.Model):
    """An order to keep. An empty scope field covers everything: no field at all holds the whole store."""

    id = models.UUIDField(primary_key=True)  # of the act that placed it
    service = models.CharField(max_length=64, blank=True)
    pseudonym = models.UUIDField(null=True)
    since = models.DateField(null=True)  # what was recorded from this day on
    until = models.DateField(null=True)  # and before this one
    why = models.CharField(max_length=64)  # short, and nothing personal: the file number, say
    by = models.CharField(max_length=64)
    approved_by = models.CharField(max_length=64)
    placed_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True)
    lift_event = models.UUIDField(null=True)

    class Meta:
        indexes = [models.Index(fields=["lifted_at"], name="holds_in_force")]

    def __str__(self) -> str:
        return f"hold {self.id}: {self.why}"
