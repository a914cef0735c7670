"""The log's own tables: what waits, what has its leaf, and which heads were signed."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.db.models.lookups import Exact
from django.utils import timezone

_IS_HASH: Final = Exact(models.Func("digest", function="octet_length", output_field=models.IntegerField()), 32)


class LogQueue(models.Model):
    """Commitments that the sequencer has not taken yet. A row moves from here to `LogEntry` in one transaction."""

    id = models.UUIDField(primary_key=True)  # of the event
    kind = models.CharField(max_length=24)
    digest = models.BinaryField()
    # The column has a default too, for what does not come through here. Django's own would read it back: few roles may.
    queued_at = models.DateTimeField(default=timezone.now)

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
    queued_at = models.DateTimeField(null=True)  # null: before this was kept

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
    number = models.BigIntegerField(unique=True)  # 1, 2, 3 …: one that is missing shows
    root = models.BinaryField()
    note = models.TextField()
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"log of {self.size} leaves"
