"""Why a subject's key is not to be had, or not to be changed."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID


class KeyErased(Exception):
    """The key was destroyed on purpose (GDPR Art. 17): what it sealed stays closed, and none is made again."""

    def __init__(self, pseudonyms: Iterable[UUID]) -> None:
        self.pseudonyms = frozenset(pseudonyms)
        super().__init__(
            f"The keys of {len(self.pseudonyms)} pseudonyms were erased and are never made again (GDPR Art. 17): "
            "leave what belongs to them out, or use the subject's new pseudonym."
        )


class KeyMissing(Exception):
    """A pseudonym has neither a key nor a tombstone: nothing was ever sealed for it, or its row was lost."""

    def __init__(self, pseudonym: UUID) -> None:
        super().__init__(
            f"There is no key for pseudonym {pseudonym} and no erasure either: nothing was sealed for it, or the row "
            "was lost. Restore the table of subjects' keys if records of it exist."
        )


class KeyBroken(Exception):
    """A wrapped key does not open under the key-encryption key that it names."""


class VaultRefused(Exception):
    """The folder of key-encryption keys cannot be used as it is."""


class KekMissing(VaultRefused):
    """A key-encryption key's file is not there."""


class OrderRefused(ValueError):
    """An erasure or a rotation was ordered without a reason, or by too few people."""


class RotationRefused(Exception):
    """A rotation could not go on. What it did so far is whole; the next one finishes it."""


class RotationRunning(RotationRefused):
    """Another process rotates already."""
