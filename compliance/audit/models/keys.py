"""Subjects' keys as the database holds them: wrapped, or gone."""

from __future__ import annotations

from django.db import models


class KeyEncryptionKey(models.Model):
    """A key that wraps subjects' keys: a file outside the database, of which the database knows the number alone."""

    number = models.PositiveIntegerField(primary_key=True)
    made_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)  # nothing is wrapped under it any more
    destroyed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"key-encryption key {self.number}"


class SubjectKey(models.Model):
    """The key that a pseudonym's records are sealed under, itself wrapped under key-encryption key `kek`."""

    pseudonym = models.UUIDField(primary_key=True)
    wrapped = models.BinaryField()
    kek = models.PositiveIntegerField(db_index=True)
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"key of {self.pseudonym}"


class KeyTombstone(models.Model):
    """A pseudonym whose key was destroyed: none is ever made for it again."""

    pseudonym = models.UUIDField(primary_key=True)
    erased_at = models.DateTimeField()
    why = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"erased: {self.pseudonym}"
