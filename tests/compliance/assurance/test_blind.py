"""Blind signatures: what comes out is an ordinary RSASSA-PSS signature, and the signer could not know it."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from compliance.assurance.blind import BlindingFailed, blind, blind_sign, finalise, verifies


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.mark.parametrize("message", [b"", b"x", b"m" * 500])
def test_a_finished_signature_is_checked_by_the_librarys_own_pss(key: rsa.RSAPrivateKey, message: bytes) -> None:
    blinded = blind(key.public_key(), message)
    signature = finalise(key.public_key(), blinded, blind_sign(key, blinded.sent))
    assert verifies(key.public_key(), blinded.message, signature)
    assert blinded.message.endswith(message)
    assert not verifies(key.public_key(), blinded.message + b"x", signature)
    assert not verifies(key.public_key(), blinded.message, signature[:-1] + bytes([signature[-1] ^ 1]))


def test_odd_key_sizes_fit_too() -> None:
    odd = rsa.generate_private_key(public_exponent=65537, key_size=2049)
    blinded = blind(odd.public_key(), b"m")
    assert finalise(odd.public_key(), blinded, blind_sign(odd, blinded.sent))


def test_any_signature_could_belong_to_any_number_that_was_signed(key: rsa.RSAPrivateKey) -> None:
    """Unlinkable: for every pair of a signer's view and a finished signature there is a factor that joins them."""
    public = key.public_key()
    modulus, exponent = public.public_numbers().n, public.public_numbers().e
    views, signatures = [], []
    for _ in range(2):
        blinded = blind(public, b"the same message")
        signed = blind_sign(key, blinded.sent)
        views.append(int.from_bytes(signed))
        signatures.append(int.from_bytes(finalise(public, blinded, signed)))
    for view in views:
        for signature in signatures:
            factor = view * pow(signature, -1, modulus) % modulus
            assert (
                pow(view, exponent, modulus)
                == pow(signature, exponent, modulus) * pow(factor, exponent, modulus) % modulus
            )
    assert len({*views, *signatures}) == 4


@pytest.mark.parametrize("sent", [b"", b"\xff" * 256, b"\x00" * 255])
def test_the_signer_refuses_what_is_no_number_of_its_own(key: rsa.RSAPrivateKey, sent: bytes) -> None:
    with pytest.raises(BlindingFailed, match="not a number"):
        blind_sign(key, sent)


def test_a_wrong_answer_of_the_signer_is_noticed(key: rsa.RSAPrivateKey) -> None:
    blinded = blind(key.public_key(), b"m")
    for answer in (bytes(256), bytes(10), blinded.sent):
        with pytest.raises(BlindingFailed):
            finalise(key.public_key(), blinded, answer)


def test_a_fault_in_the_signers_arithmetic_never_leaves_it(key: rsa.RSAPrivateKey) -> None:
    blinded = blind(key.public_key(), b"m")
    with (
        patch("compliance.assurance.blind.pow", side_effect=lambda *given: 7, create=True),
        pytest.raises(BlindingFailed, match="came out wrong"),
    ):
        blind_sign(key, blinded.sent)


def test_short_keys_are_refused() -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - refused on purpose
    with pytest.raises(BlindingFailed, match="too short"):
        blind(short.public_key(), b"m")
