"""Blind RSA signatures: RSABSSA-SHA384-PSS-Randomized (RFC 9474).

The signer sees a number that is uniformly random to it, and never meets the signature again in a form that it could
recognise. What is public, and every check of a finished signature, is done by `cryptography`'s own RSASSA-PSS.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

SALT: Final = 48
HASH: Final = 48  # bytes of SHA-384
RANDOMISER: Final = 32
LEAST_BITS: Final = 2048


class BlindingFailed(ValueError):
    """A number, key or signature that RFC 9474 refuses."""


@dataclass(frozen=True, kw_only=True)
class Blinded:
    """What the holder keeps while the signer signs: the prepared message and the way back."""

    message: bytes  # randomiser and message
    sent: bytes
    inverse: int


def blind(key: rsa.RSAPublicKey, message: bytes) -> Blinded:
    """Prepare (§4.1) and blind (§4.2) a message for the signer. Raises BlindingFailed."""
    modulus, exponent = _numbers(key)
    prepared = secrets.token_bytes(RANDOMISER) + message
    encoded = int.from_bytes(_emsa_pss(prepared, modulus.bit_length() - 1))
    if math.gcd(encoded, modulus) != 1:
        raise BlindingFailed("The message shares a factor with the key: prepare it again.")
    factor = secrets.randbelow(modulus - 1) + 1
    inverse = pow(factor, -1, modulus)
    sent = encoded * pow(factor, exponent, modulus) % modulus
    return Blinded(message=prepared, sent=sent.to_bytes(_size(modulus)), inverse=inverse)


def blind_sign(key: rsa.RSAPrivateKey, sent: bytes) -> bytes:
    """Sign a blinded message (§4.3). Raises BlindingFailed.

    The number is blinded once more by a factor of the signer's own, so that the time that the private operation takes
    tells nothing of the key to whoever chose the number; the result is checked before it leaves.
    """
    modulus, exponent = _numbers(key.public_key())
    number = int.from_bytes(sent)
    if len(sent) != _size(modulus) or number >= modulus:
        raise BlindingFailed("The blinded message is not a number below the key's modulus.")
    own = secrets.randbelow(modulus - 1) + 1
    masked = number * pow(own, exponent, modulus) % modulus
    signed = pow(masked, key.private_numbers().d, modulus) * pow(own, -1, modulus) % modulus
    if pow(signed, exponent, modulus) != number:
        raise BlindingFailed("The signature came out wrong, and was not handed out.")
    return signed.to_bytes(_size(modulus))


def finalise(key: rsa.RSAPublicKey, blinded: Blinded, signed: bytes) -> bytes:
    """Unblind the signer's answer (§4.4). Raises BlindingFailed where it is no signature of the message."""
    modulus, _ = _numbers(key)
    if len(signed) != _size(modulus):
        raise BlindingFailed("The signer's answer has the wrong length.")
    signature = (int.from_bytes(signed) * blinded.inverse % modulus).to_bytes(_size(modulus))
    if not verifies(key, blinded.message, signature):
        raise BlindingFailed("The signer's answer is no signature of the message.")
    return signature


def verifies(key: rsa.RSAPublicKey, prepared: bytes, signature: bytes) -> bool:
    """Whether a signature is the key's, of the prepared message (§4.5: RSASSA-PSS-VERIFY)."""
    try:
        key.verify(signature, prepared, padding.PSS(padding.MGF1(hashes.SHA384()), SALT), hashes.SHA384())
    except InvalidSignature:
        return False
    return True


def _emsa_pss(message: bytes, bits: int) -> bytes:
    """EMSA-PSS-ENCODE (RFC 8017, §9.1.1) with SHA-384 and MGF1."""
    size, salt = (bits + 7) // 8, secrets.token_bytes(SALT)
    if size < HASH + SALT + 2:
        raise BlindingFailed("The key is too short for SHA-384 with a salt of 48 bytes.")
    digest = hashlib.sha384(bytes(8) + hashlib.sha384(message).digest() + salt).digest()
    block = bytes(size - SALT - HASH - 2) + b"\x01" + salt
    masked = bytearray(left ^ right for left, right in zip(block, _mgf1(digest, len(block)), strict=True))
    masked[0] &= 0xFF >> (8 * size - bits)
    return bytes(masked) + digest + b"\xbc"


def _mgf1(seed: bytes, length: int) -> bytes:
    blocks = range(-(-length // HASH))
    return b"".join(hashlib.sha384(seed + count.to_bytes(4)).digest() for count in blocks)[:length]


def _numbers(key: rsa.RSAPublicKey) -> tuple[int, int]:
    if key.key_size < LEAST_BITS:
        raise BlindingFailed(f"A key of {key.key_size} bits is too short: {LEAST_BITS} is the least.")
    numbers = key.public_numbers()
    return numbers.n, numbers.e


def _size(modulus: int) -> int:
    return (modulus.bit_length() + 7) // 8
