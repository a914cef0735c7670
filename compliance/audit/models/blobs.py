"""Bytes that records point at by content: stored once, however many records need them."""

from __future__ import annotations

from django.db import models


class Blob(models.Model):
    """Bytes of nobody in particular, compressed, under their own SHA-256: policy packs, dictionaries.

    Records from before release 0.2.0 have their feature snapshots here.
    """

    sha256 = models.CharField(max_length=64, primary_key=True)
    content = models.BinaryField()
    stored_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.sha256[:12]


class SealedBlob(models.Model):
    """What was read of one person, sealed with their key, under the SHA-256 of the sealed bytes.

    Stored once a month and person (`period` is the month's first day), and dropped with that month's records, so that
    nobody has to find out which records still need it.
    """

    pk = models.CompositePrimaryKey("period", "address")
    period = models.DateField()
    address = models.BinaryField()
    pseudonym = models.UUIDField()
    content = models.BinaryField()

    def __str__(self) -> str:
        return bytes(self.address).hex()[:12]


class ItemVersion(models.Model):
    """What an item of the catalogue looked like to a model: its facts and codes. The same for everybody.

    Records name versions by `number`, and the digest of all of them by content.
    """

    number = models.BigAutoField(primary_key=True)
    sha256 = models.BinaryField(unique=True)
    content = models.BinaryField()

    def __str__(self) -> str:
        return f"item version {self.number}"
