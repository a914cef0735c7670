"""Who is asked to cosign, and how many of them must: k of n, from the settings."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from compliance.audit.log.note import NoteRefused, VerifierKey
from compliance.audit.log.witness_client import WitnessAddress, parse_witnesses


@dataclass(frozen=True, kw_only=True)
class WitnessPolicy:
    """The witnesses of the log, and how many of them must have cosigned a checkpoint."""

    witnesses: tuple[WitnessAddress, ...]
    needed: int

    @property
    def keys(self) -> dict[str, VerifierKey]:
        """Their keys, by name."""
        return {witness.key.name: witness.key for witness in self.witnesses}


def witness_policy() -> WitnessPolicy:
    """The policy of the settings. Raises ImproperlyConfigured."""
    try:
        witnesses = parse_witnesses(settings.AUDIT_WITNESSES)
    except NoteRefused as error:
        raise ImproperlyConfigured(f"CLERESTORY_AUDIT_WITNESSES cannot be used: {error}") from error
    text = settings.AUDIT_WITNESSES_NEEDED.strip() or str(len(witnesses))
    if not (text.isascii() and text.isdecimal()) or int(text) > len(witnesses):
        raise ImproperlyConfigured(
            f"CLERESTORY_AUDIT_WITNESSES_NEEDED is {text!r}: name a number from 0 to {len(witnesses)}, of whom "
            "CLERESTORY_AUDIT_WITNESSES has so many, or leave it empty for all."
        )
    return WitnessPolicy(witnesses=witnesses, needed=int(text))
