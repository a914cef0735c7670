"""Which months lie in the cold tier, in which files, and by which acts they came there and went."""

from __future__ import annotations

from django.db import models


class ColdMonth(models.Model):
    """One month of one table under one retention class. What it says stands in a signed act too, and must agree."""

    table = models.CharField(max_length=8)  # a name of `cold.schema.TABLES`
    period = models.DateField()  # the month's first day
    retention = models.CharField(max_length=32)  # a name of `retention/classes.toml`
    kinds = models.JSONField()  # of log entries: what is in here
    files = models.JSONField()  # name, sha256, size and rows of each
    rows = models.BigIntegerField()
    manifest_sha256 = models.CharField(
        max_length=64
    )  # over ids and commitments in the log's order; of blobs, addresses
    first_id = models.UUIDField(null=True)  # of blobs there are none, and no leaves
    last_id = models.UUIDField(null=True)
    first_leaf = models.BigIntegerField(null=True)
    last_leaf = models.BigIntegerField(null=True)
    model_hashes = models.JSONField()  # SHA-256 of the models that its records need for a replay
    dictionaries = models.JSONField()  # numbers of the dictionaries that its bodies need
    dropped_at = models.DateTimeField()
    drop_event = models.UUIDField()
    expired_at = models.DateTimeField(null=True)
    expiry_event = models.UUIDField(null=True)
    removed_at = models.DateTimeField(null=True)  # when its files were found to be gone

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["table", "period", "retention"], name="a_month_is_cold_once"),
            models.CheckConstraint(
                condition=models.Q(expired_at=None, expiry_event=None)
                | models.Q(expired_at__isnull=False, expiry_event__isnull=False),
                name="a_month_expires_by_an_act",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.table} of {self.period:%Y-%m}, {self.retention}"
