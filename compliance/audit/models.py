"""Serve records and the content-addressed bytes they point at. Append-only; no foreign key points here."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.db.models.lookups import Exact

_IS_HASH: Final = Exact(models.Func("digest", function="octet_length", output_field=models.IntegerField()), 32)


class Blob(models.Model):
    """Bytes stored, compressed, under their own SHA-256: feature snapshots and policy packs."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    content = models.BinaryField()
    stored_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.sha256[:12]


class ServeRecord(models.Model):
    """One slate that was served: its canonical bytes, and a few typed columns to find it by."""

    id = models.UUIDField(primary_key=True)  # UUIDv7: time-ordered
    service = models.CharField(max_length=64)
    pseudonym = models.UUIDField()
    served_at = models.DateTimeField()
    surface = models.CharField(max_length=16)
    feed_mode = models.CharField(max_length=16)
    tier = models.CharField(max_length=10)
    jurisdiction = models.CharField(max_length=8)
    model_sha256 = models.CharField(max_length=64, blank=True)  # blank: nothing was scored
    plan_sha256 = models.CharField(max_length=64)
    snapshot_sha256 = models.CharField(max_length=64)
    output_sha256 = models.CharField(max_length=64)
    body = models.BinaryField()  # canonical JSON (RFC 8785, no floats)
    body_sha256 = models.CharField(max_length=64)
    salt = models.BinaryField()  # of its commitment in the log, which says nothing once this is gone

    class Meta:
        indexes = [models.Index(fields=["pseudonym", "-id"], name="records_of_a_subject")]

    def __str__(self) -> str:
        return f"serve {self.id}"


class AuditEvent(models.Model):
    """Something other than a slate that must be undeniable: who did what, when and why, as canonical bytes."""

    id = models.UUIDField(primary_key=True)  # UUIDv7
    kind = models.CharField(max_length=24)
    happened_at = models.DateTimeField()
    body = models.BinaryField()
    salt = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class LogQueue(models.Model):
    """Commitments that the sequencer has not taken yet. A row moves from here to `LogEntry` in one transaction."""

    id = models.UUIDField(primary_key=True)  # of the event
    kind = models.CharField(max_length=24)
    digest = models.BinaryField()

    class Meta:
        constraints = [models.CheckConstraint(condition=_IS_HASH, name="a_waiting_digest_is_a_hash")]

    def __str__(self) -> str:
        return f"{self.kind} {self.id} waits"


class LogEntry(models.Model):
    """One event's place in the log: which leaf, and where in the leaf's batch. What the tiles are rebuilt from."""

    pk = models.CompositePrimaryKey("leaf", "place")
    leaf = models.BigIntegerField()
    place = models.IntegerField()
    event_id = models.UUIDField(unique=True)
    kind = models.CharField(max_length=24)
    digest = models.BinaryField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=_IS_HASH, name="a_leafs_digest_is_a_hash"),
            models.CheckConstraint(condition=models.Q(leaf__gte=0, place__gte=0), name="leaves_begin_at_0"),
        ]

    def __str__(self) -> str:
        return f"leaf {self.leaf}.{self.place}: {self.kind} {self.event_id}"


class LogCheckpoint(models.Model):
    """A signed tree head that was published: the same bytes as the file."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField()
    note = models.TextField()
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"log of {self.size} leaves"


class ServeKey(models.Model):
    """Which record answered a client's idempotency key, so that a retry gets the same slate and adds no record."""

    pk = models.CompositePrimaryKey("pseudonym", "key")
    pseudonym = models.UUIDField()
    key = models.CharField(max_length=64)
    record_id = models.UUIDField()

    def __str__(self) -> str:
        return f"key of serve {self.record_id}"
