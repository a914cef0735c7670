"""Escrow copies: what is withheld from an answer, sealed to the key of a third party who can open it on order.

A copy is `MAGIC | ephemeral public key 32 | AES-256-GCM(plaintext) + tag 16`. The AES key is HKDF-SHA256 over the
X25519 shared secret, with both public keys as salt and MAGIC as info; it seals one plaintext, so the nonce is zero.
This file needs nothing but Python and `cryptography`: whoever holds the private key opens a copy with it, without us.

    python escrow.py draw PRIVATE      make a private key file, print its public key
    python escrow.py open COPY PRIVATE print what a copy holds
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sys
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC: Final = b"clerestory escrow v1\n"
KEY_BYTES: Final = 32
_NONCE: Final = bytes(12)


class EscrowRefused(ValueError):
    """A key or a copy is malformed, or the two do not belong together."""


def public_key(text: str) -> X25519PublicKey:
    """A public key from 64 hexadecimal digits. Raises EscrowRefused."""
    return X25519PublicKey.from_public_bytes(_bytes_of(text))


def private_key(text: str) -> X25519PrivateKey:
    """A private key from 64 hexadecimal digits. Raises EscrowRefused."""
    return X25519PrivateKey.from_private_bytes(_bytes_of(text))


def public_text(private: X25519PrivateKey) -> str:
    """The public half of a key, as settings name it."""
    return private.public_key().public_bytes_raw().hex()


def seal(plaintext: bytes, public: X25519PublicKey, *, secret: bytes) -> bytes:
    """The copy of a plaintext: the same one each time, so that it is stored once.

    The ephemeral key is drawn from our own `secret` and the plaintext; who does not know the secret cannot guess a
    plaintext and compare.
    """
    theirs = public.public_bytes_raw()
    ephemeral = X25519PrivateKey.from_private_bytes(hmac.digest(secret, MAGIC + theirs + plaintext, "sha256"))
    ours = ephemeral.public_key().public_bytes_raw()
    key = _derived(ephemeral.exchange(public), ours + theirs)
    return MAGIC + ours + AESGCM(key).encrypt(_NONCE, plaintext, MAGIC)


def is_copy(content: bytes) -> bool:
    """Whether bytes have the form of an escrow copy."""
    return content.startswith(MAGIC)


def open_copy(copy: bytes, private: X25519PrivateKey) -> bytes:
    """What a copy holds. Raises EscrowRefused."""
    if not is_copy(copy) or len(copy) < len(MAGIC) + KEY_BYTES:
        raise EscrowRefused("These bytes are not an escrow copy: fetch the copy again by its SHA-256.")
    theirs, sealed = copy[len(MAGIC) :][:KEY_BYTES], copy[len(MAGIC) + KEY_BYTES :]
    try:
        shared = private.exchange(X25519PublicKey.from_public_bytes(theirs))
        return AESGCM(_derived(shared, theirs + private.public_key().public_bytes_raw())).decrypt(_NONCE, sealed, MAGIC)
    except (InvalidTag, ValueError) as error:
        raise EscrowRefused("The copy does not open with this key: it is another's, or its bytes were changed.") from (
            error
        )


def draw(path: Path) -> str:
    """Make a private key file (mode 0600) where there is none; return the public key. Raises FileExistsError."""
    private = X25519PrivateKey.generate()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(f"{private.private_bytes_raw().hex()}\n")
    return public_text(private)


def main(arguments: list[str]) -> int:
    """Draw a key or open a copy; the exit status."""
    try:
        match arguments:
            case ["draw", path]:
                sys.stdout.write(f"{draw(Path(path))}\n")
            case ["open", copy, path]:
                content = Path(copy).read_bytes()
                sys.stderr.write(f"SHA-256 of the copy: {hashlib.sha256(content).hexdigest()}\n")
                sys.stdout.buffer.write(open_copy(content, private_key(Path(path).read_text().strip())))
            case _:
                sys.stderr.write(f"{__doc__}\n")
                return 2
    except (EscrowRefused, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _derived(shared: bytes, salt: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=MAGIC).derive(shared)


def _bytes_of(text: str) -> bytes:
    try:
        content = bytes.fromhex(text)
    except ValueError:
        content = b""
    if len(content) != KEY_BYTES:
        raise EscrowRefused("An escrow key is 64 hexadecimal digits: draw one with `python escrow.py draw FILE`.")
    return content


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
