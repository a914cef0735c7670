"""What witnesses signed, and what the log's processes count."""

from __future__ import annotations

from django.db import models


class LogCosignature(models.Model):
    """A witness's signature line on the checkpoint of so many leaves. Never changed, never deleted."""

    pk = models.CompositePrimaryKey("size", "witness")
    size = models.BigIntegerField()
    witness = models.CharField(max_length=255)
    line = models.TextField()
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["witness", "-size"], name="last_of_a_witness")]

    def __str__(self) -> str:
        return f"{self.witness} on {self.size} leaves"


class LogMeter(models.Model):
    """A number that one process counts and others read. It proves nothing and may be lost."""

    name = models.CharField(max_length=300, primary_key=True)
    value = models.BigIntegerField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"
