"""How far each stream has got."""

from __future__ import annotations

from django.db import models


class StreamOffset(models.Model):
    """The last event that a stream's sink has acknowledged."""

    name = models.CharField(max_length=64, primary_key=True)
    leaf = models.BigIntegerField(default=-1)
    place = models.IntegerField(default=0)
    moved_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.name} up to leaf {self.leaf}.{self.place}"
