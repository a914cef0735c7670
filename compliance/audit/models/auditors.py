"""Keys of auditors who have no account here. Web processes read them; only the tables' owner gives them out."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class AuditorKey(models.Model):
    """One auditor's key: the hash of a secret that was shown once, what it is for, and how long."""

    name = models.CharField(max_length=32, primary_key=True)
    key_sha256 = models.BinaryField()
    scopes = ArrayField(models.CharField(max_length=16))
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name
