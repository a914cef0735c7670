"""Serve records and other events. Their tables are partitioned by month (`storage/partitions.py`)."""

from __future__ import annotations

from django.db import models


class ServeRecord(models.Model):
    """One slate that was served: its sealed bytes, and a few typed columns that describe nobody, to find it by."""

    id = models.UUIDField(primary_key=True)  # UUIDv7: time-ordered
    service = models.CharField(max_length=64)
    source = models.CharField(max_length=64, blank=True)  # who decided; blank: our own door
    pseudonym = models.UUIDField()
    served_at = models.DateTimeField()
    surface = models.CharField(max_length=16)
    feed_mode = models.CharField(max_length=16)
    tier = models.CharField(max_length=10)
    jurisdiction = models.CharField(max_length=8)
    model_sha256 = models.BinaryField(null=True)  # null: nothing was scored
    body = models.BinaryField()  # as `storage/sealing.py` says
    salt = models.BinaryField()  # of its commitment in the log, which says nothing once this is gone

    class Meta:
        indexes = [models.Index(fields=["pseudonym", "-id"], name="records_of_a_subject")]

    def __str__(self) -> str:
        return f"serve {self.id}"

    @property
    def model(self) -> str:
        """The address of the model that scored; empty where nothing was scored."""
        return "" if self.model_sha256 is None else bytes(self.model_sha256).hex()


class AuditEvent(models.Model):
    """Something other than a slate that must be undeniable: who did what, when and why."""

    id = models.UUIDField(primary_key=True)  # UUIDv7
    kind = models.CharField(max_length=24)
    happened_at = models.DateTimeField()
    pseudonym = models.UUIDField(null=True)  # whose key seals it; null: it is about nobody, and in the clear
    body = models.BinaryField()
    salt = models.BinaryField()

    class Meta:
        indexes = [models.Index(fields=["kind", "-id"], name="acts_of_a_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class ServeKey(models.Model):
    """Which record answered a client's idempotency key, so that a retry gets the same slate and adds no record."""

    pk = models.CompositePrimaryKey("pseudonym", "key")
    pseudonym = models.UUIDField()
    key = models.CharField(max_length=64)
    record_id = models.UUIDField()

    def __str__(self) -> str:
        return f"key of serve {self.record_id}"
