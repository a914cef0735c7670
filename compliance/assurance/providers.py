"""Providers of age proofs: what one is, which keys are trusted, and what a finished proof says.

A proof is a signature by a key that stands for one tier and one method. Its provider signed a blinded number, so it
knows neither where the proof is shown nor which proof it is; we see a tier and an issuer, and nobody's name.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Protocol

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.conf import settings

from compliance.assurance.blind import LEAST_BITS, RANDOMISER, verifies
from compliance.assurance.standing import STRICTEST_FIRST

METHODS: Final = ("estimated", "verified")
FIELDS: Final = {
    "id",
    "issuer",
    "tier",
    "method",
    "confidence_milli",
    "not_before",
    "not_after",
    "holds_days",
    "public_key",
}
SKEW: Final = timedelta(minutes=5)
"""By how much a provider's clock and ours may differ."""
DOMAIN: Final = b"clerestory age proof v1\x00"
VERSION: Final = "cap1"


class TokenRefused(ValueError):
    """A proof that does not count; a sentence that says why, and what to do next."""


class KeysRefused(ValueError):
    """A file of providers' keys that cannot be trusted as it is."""


@dataclass(frozen=True, kw_only=True)
class ProviderKey:
    """One trusted key: what its signature means, and when it may be used."""

    id: str
    issuer: str
    tier: str
    method: str
    confidence_milli: int
    not_before: datetime
    not_after: datetime
    holds_days: int  # how long a proof counts once it was shown
    public_key: rsa.RSAPublicKey


class AgeProvider(Protocol):
    """Somebody who knows a person's age, and signs for their tier without learning where that is asked."""

    def public_keys(self) -> tuple[ProviderKey, ...]:
        """The public keys, one for each tier and method."""

    def sign(self, *, account: str, key_id: str, sent: bytes) -> bytes:
        """Sign a blinded message with a tier's key, if the account is of that tier. Raises TokenRefused."""


def message_of(challenge: bytes) -> bytes:
    """What a proof for a challenge signs. Who holds the challenge alone can use the proof."""
    return DOMAIN + hashlib.sha256(challenge).digest()


def token_of(key_id: str, prepared: bytes, signature: bytes) -> str:
    """A finished proof as text: version, key, randomiser and signature."""
    return ".".join([VERSION, key_id, _text(prepared[:RANDOMISER]), _text(signature)])


def read_token(
    token: str, *, challenge: bytes, keys: Mapping[str, ProviderKey], now: datetime
) -> tuple[ProviderKey, str]:
    """The key that made a proof for this challenge, and the proof's hash. Raises TokenRefused."""
    parts = token.strip().split(".")
    if len(parts) != 4 or parts[0] != VERSION:
        raise TokenRefused("This is no age proof that can be read here. Copy the whole of it and try again.")
    key = keys.get(parts[1])
    if key is None:
        raise TokenRefused("The proof's issuer is not one that is trusted here. Use one that this page names.")
    if not key.not_before - SKEW <= now < key.not_after + SKEW:
        raise TokenRefused("The proof's key is not in use now, so the proof is too old or too new. Get a new one.")
    randomiser, signature = _bytes(parts[2]), _bytes(parts[3])
    if len(randomiser) != RANDOMISER or not verifies(key.public_key, randomiser + message_of(challenge), signature):
        raise TokenRefused(
            "The proof is not what its issuer signed for this number and age group, so it does not count. Get a new "
            "proof for the number on this page."
        )
    return key, hashlib.sha256(signature).hexdigest()


def trusted_keys() -> Mapping[str, ProviderKey]:
    """The keys in the file that the operator named; none where no file was named. Raises KeysRefused."""
    return read_keys(Path(settings.AGE_PROVIDERS)) if settings.AGE_PROVIDERS else {}


def read_keys(path: Path) -> Mapping[str, ProviderKey]:
    """Read a file of keys, whole or not at all; again when it was changed. Raises KeysRefused."""
    try:
        return _read(path, path.stat().st_mtime_ns)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise KeysRefused(f"The file of age providers' keys cannot be used ({error}): correct it.") from error


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> Mapping[str, ProviderKey]:
    keys = [_key(said) for said in json.loads(path.read_bytes())]
    by_id = {key.id: key for key in keys}
    if len(by_id) != len(keys):
        raise ValueError("two keys have one id")
    return by_id


def _key(said: dict[str, Any]) -> ProviderKey:
    if set(said) != FIELDS:
        raise ValueError(f"a key needs exactly {', '.join(sorted(FIELDS))}")
    public_key = load_pem_public_key(said["public_key"].encode())
    if not isinstance(public_key, rsa.RSAPublicKey) or public_key.key_size < LEAST_BITS:
        raise ValueError(f"{said['id']} is no RSA key of {LEAST_BITS} bits or more")
    if said["tier"] not in STRICTEST_FIRST or said["method"] not in METHODS:
        raise ValueError(f"{said['id']} stands for no tier and method that exist")
    times = {name: datetime.fromisoformat(said[name]) for name in ("not_before", "not_after")}
    if any(time.tzinfo is None for time in times.values()):
        raise ValueError(f"{said['id']} has a time without a zone")
    return ProviderKey(**{**said, **times, "public_key": public_key})


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""
