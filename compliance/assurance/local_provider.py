"""A provider that really signs, for trying out and for tests: accounts and ages come from its own list."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from compliance.assurance.blind import blind, blind_sign, finalise
from compliance.assurance.providers import AgeProvider, ProviderKey, TokenRefused, message_of, token_of
from compliance.assurance.standing import STRICTEST_FIRST

BITS: Final = 3072
HOLDS_DAYS: Final = 365


class LocalProvider:
    """Knows accounts by name and their tier; keeps no list of what it signed."""

    def __init__(
        self, *, issuer: str, accounts: Mapping[str, str], now: datetime, method: str = "verified", bits: int = BITS
    ) -> None:
        self.accounts = dict(accounts)
        self._private = {
            tier: rsa.generate_private_key(public_exponent=65537, key_size=bits) for tier in STRICTEST_FIRST
        }
        self._keys = {
            tier: ProviderKey(
                id=f"{issuer}-{tier}-{now:%Y%m}",
                issuer=issuer,
                tier=tier,
                method=method,
                confidence_milli=990,
                not_before=now - timedelta(days=1),
                not_after=now + timedelta(days=60),
                holds_days=HOLDS_DAYS,
                public_key=private.public_key(),
            )
            for tier, private in self._private.items()
        }

    def public_keys(self) -> tuple[ProviderKey, ...]:
        """The public keys, one for each tier."""
        return tuple(self._keys.values())

    def sign(self, *, account: str, key_id: str, sent: bytes) -> bytes:
        """Sign a blinded message with the key of the account's own tier. Raises TokenRefused."""
        tier = self.accounts.get(account, "")
        if tier not in self._keys or self._keys[tier].id != key_id:
            raise TokenRefused("This account is not of that age group, so nothing was signed.")
        return blind_sign(self._private[tier], sent)

    def document(self) -> list[dict[str, Any]]:
        """The keys as the file that a service trusts."""
        return [
            {
                **{
                    name: getattr(key, name)
                    for name in ("id", "issuer", "tier", "method", "confidence_milli", "holds_days")
                },
                "not_before": key.not_before.isoformat(),
                "not_after": key.not_after.isoformat(),
                "public_key": key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
            }
            for key in self.public_keys()
        ]


def prove(provider: AgeProvider, *, account: str, key: ProviderKey, challenge: bytes) -> str:
    """What a person's own device does: blind, have it signed, unblind. Raises TokenRefused, BlindingFailed."""
    blinded = blind(key.public_key, message_of(challenge))
    signed = provider.sign(account=account, key_id=key.id, sent=blinded.sent)
    return token_of(key.id, blinded.message, finalise(key.public_key, blinded, signed))
