"""Signed notes, checkpoints and cosignatures (C2SP signed-note, tlog-checkpoint, tlog-cosignature), with Ed25519."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from compliance.audit.log.lines import decode64, decode_decimal, decode_hash, encode64
from compliance.audit.log.tree import EMPTY_ROOT

ED25519: Final = 0x01
COSIGNATURE: Final = 0x04  # Ed25519 with a time, by a witness

MAX_SIGNATURES: Final = 100
_DASH: Final = "— "


class NoteRefused(ValueError):
    """A key, a note or a checkpoint is malformed or not signed as it must be."""


@dataclass(frozen=True, kw_only=True)
class VerifierKey:
    """A public key under a name: `kind` is ED25519 or COSIGNATURE, `public` has 32 bytes."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        """The key's four-byte id: SHA-256(name || 0x0A || kind || public key), cut (signed-note, Signatures)."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def encode(self) -> str:
        """The vkey text: name, id in hexadecimal, base64 of kind and public key, joined by plus."""
        return f"{self.name}+{self.id.hex()}+{encode64(bytes([self.kind]) + self.public)}"


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    """A private key under a name. Keep it out of reach of those who can write the log's rows and files."""

    name: str
    private: Ed25519PrivateKey

    def verifier(self, kind: int = ED25519) -> VerifierKey:
        """The public half, for notes (ED25519) or for a witness's cosignatures (COSIGNATURE)."""
        return VerifierKey(
            name=_checked_name(self.name), kind=kind, public=self.private.public_key().public_bytes_raw()
        )


@dataclass(frozen=True, kw_only=True)
class Signature:
    """A signature that was verified: by which trusted key and, for a cosignature, when (POSIX seconds)."""

    key: VerifierKey
    time: int | None


@dataclass(frozen=True, kw_only=True)
class OpenedNote:
    """The text of a note and the signatures on it that trusted keys made."""

    text: str
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The head of a log: who it is, how many entries it has, the 32-byte root over them."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The note text that is signed: three lines (tlog-checkpoint, Note text)."""
        return f"{self.origin}\n{self.size}\n{encode64(self.root)}\n"


def parse_vkey(text: str) -> VerifierKey:
    """A verifier key of either kind from its vkey text. Raises NoteRefused."""
    name, _, rest = text.partition("+")
    identity, _, material = rest.partition("+")
    try:
        content = decode64(material)
    except ValueError as error:
        raise NoteRefused(f"{text[:200]!r} is not a verifier key (C2SP signed-note): {error}") from error
    if len(content) != 33 or content[0] not in (ED25519, COSIGNATURE):
        raise NoteRefused(f"{text[:200]!r} is not a verifier key of kind 1 or 4 with 32 bytes: ask its owner again.")
    key = VerifierKey(name=_checked_name(name), kind=content[0], public=content[1:])
    if key.id.hex() != identity:
        raise NoteRefused(f"The verifier key of {name} says its id is {identity[:20]!r}, but it is {key.id.hex()}.")
    return key


def signature_line(text: str, key: SigningKey) -> str:
    """The Ed25519 signature line of a key on a note text, which ends in a newline."""
    _check_text(text)
    return _line(key.verifier(), key.private.sign(text.encode()))


def sign_note(text: str, key: SigningKey) -> str:
    """A note text with one signature; further signature lines may be appended."""
    return f"{text}\n{signature_line(text, key)}"


def cosignature_line(text: str, key: SigningKey, *, time: int) -> str:
    """A witness's cosignature/v1 line on a checkpoint's text, made at `time` (POSIX seconds)."""
    _check_text(text)
    signature = key.private.sign(_cosigned(text, time))
    return _line(key.verifier(COSIGNATURE), time.to_bytes(8, "big") + signature)


def open_note(note: str, keys: Iterable[VerifierKey]) -> OpenedNote:
    """The text of a note that at least one of `keys` signed; signatures of other keys are ignored.

    A bad signature under a trusted key refuses the whole note. Raises NoteRefused.
    """
    text, gap, block = note.rpartition("\n\n")
    text += "\n"
    if not gap or not block.endswith("\n"):
        raise NoteRefused("A signed note is a text, an empty line and signature lines that end in a newline.")
    _check_text(text)
    lines = block[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteRefused(f"The note has {len(lines)} signatures: at most {MAX_SIGNATURES} are read.")
    trusted = {(key.name, key.id): key for key in keys}
    found = []
    for line in lines:
        name, identity, signature = _parse_line(line)
        key = trusted.get((name, identity))
        if key is not None:
            found.append(_verified(text, key, signature))
    if not found:
        raise NoteRefused("No key that is trusted here has signed the note.")
    return OpenedNote(text=text, signatures=tuple(found))


def parse_checkpoint(text: str) -> Checkpoint:
    """A checkpoint from its exact note text: three lines, no extension lines. Raises NoteRefused."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not lines[0]:
        raise NoteRefused("A checkpoint is three lines: origin, size, root (extension lines are not taken).")
    try:
        checkpoint = Checkpoint(origin=lines[0], size=decode_decimal(lines[1]), root=decode_hash(lines[2]))
    except ValueError as error:
        raise NoteRefused(f"The checkpoint is malformed: {error}") from error
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise NoteRefused("The checkpoint says that the log is empty, but its root is not that of an empty tree.")
    return checkpoint


def _line(key: VerifierKey, signature: bytes) -> str:
    return f"{_DASH}{key.name} {encode64(key.id + signature)}\n"


def _parse_line(line: str) -> tuple[str, bytes, bytes]:
    name, _, material = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not _is_name(name):
        raise NoteRefused(f"{line[:80]!r} is not a signature line (C2SP signed-note).")
    try:
        content = decode64(material)
    except ValueError as error:
        raise NoteRefused(f"The signature line of {name} is malformed: {error}") from error
    if len(content) < 5:
        raise NoteRefused(f"The signature line of {name} holds no signature.")
    return name, content[:4], content[4:]


def _verified(text: str, key: VerifierKey, signature: bytes) -> Signature:
    time, message = None, text.encode()
    if key.kind == COSIGNATURE:
        time, signature = int.from_bytes(signature[:8], "big"), signature[8:]
        message = _cosigned(text, time)
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except InvalidSignature:
        raise NoteRefused(f"The signature of {key.name} ({key.id.hex()}) does not fit the note's text.") from None
    if time is not None and time >= 1 << 63:
        raise NoteRefused(f"The cosignature of {key.name} bears a time beyond 2^63.")
    return Signature(key=key, time=time)


def _cosigned(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _check_text(text: str) -> None:
    if not text.endswith("\n") or any(char < " " and char != "\n" for char in text):
        raise NoteRefused("A note's text ends in a newline and holds no other control character.")


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(char.isspace() or char < " " for char in name)


def _checked_name(name: str) -> str:
    if not _is_name(name):
        raise NoteRefused(f"{name[:80]!r} cannot name a key: no spaces, no plus, not empty (C2SP signed-note).")
    return name
