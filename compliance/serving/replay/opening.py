"""The keys that open a run of records: looked up together, so that ten thousand replays are not ten thousand looks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from compliance.audit.keys.errors import KeyBroken, KeyErased, KeyMissing
from compliance.audit.keys.selectors import erased_among, key_of, keys_of
from compliance.audit.models import ServeRecord
from compliance.audit.storage.sealing import is_sealed


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Keys by pseudonym, who was erased, and why a key is not to be had though nobody was erased."""

    keys: dict[UUID, bytes]
    erased: frozenset[UUID]
    broken: dict[UUID, str]

    @classmethod
    def of(cls, records: Sequence[ServeRecord]) -> Keys:
        """Look the keys of records up. Raises VaultRefused where the folder of keys cannot be used."""
        whose = {record.pseudonym for record in records if is_sealed(bytes(record.body))}
        broken: dict[UUID, str] = {}
        try:
            keys = keys_of(whose)
        except KeyBroken:
            keys, broken = _one_by_one(whose)
        return cls(keys=keys, erased=erased_among(whose - keys.keys()), broken=broken)

    def problem(self, record: ServeRecord) -> str:
        """Why a sealed record cannot be opened, though nobody was erased; empty where it can."""
        if not is_sealed(bytes(record.body)) or record.pseudonym in self.keys:
            return ""
        return self.broken.get(record.pseudonym) or str(KeyMissing(record.pseudonym))

    def key(self, record: ServeRecord) -> bytes:
        """The key of a record; empty where none is needed."""
        return self.keys.get(record.pseudonym, b"")

    def is_erased(self, record: ServeRecord) -> bool:
        """Whether a record's bytes are closed for good."""
        return is_sealed(bytes(record.body)) and record.pseudonym in self.erased


def _one_by_one(pseudonyms: Iterable[UUID]) -> tuple[dict[UUID, bytes], dict[UUID, str]]:
    """Where one of many keys was changed, the others still open what is theirs."""
    keys, broken = {}, {}
    for pseudonym in pseudonyms:
        try:
            keys[pseudonym] = key_of(pseudonym)
        except KeyBroken as error:
            broken[pseudonym] = str(error)
        except (KeyErased, KeyMissing):
            continue
    return keys, broken
