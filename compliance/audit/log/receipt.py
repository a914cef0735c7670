"""Receipts that anyone can verify offline: the text form c2sp.org/tlog-proof@v1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from compliance.audit.log.lines import decode64, decode_decimal, decode_hash, encode64, hash_lines
from compliance.audit.log.note import Checkpoint, NoteRefused, VerifierKey, open_note, parse_checkpoint
from compliance.audit.log.tree import leaf_hash, verify_inclusion

HEADER: Final = "c2sp.org/tlog-proof@v1"
MAX_PATH: Final = 63


class ReceiptRefused(ValueError):
    """A receipt is malformed, or not by the log that is trusted."""


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """An entry's place in a log: its index, its path to the root, the signed checkpoint; `extra` proves nothing."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    def text(self) -> str:
        """The receipt as a `.tlog-proof` file."""
        extra = "" if self.extra is None else f"extra {encode64(self.extra)}\n"
        return f"{HEADER}\n{extra}index {self.index}\n{hash_lines(self.path)}\n{self.checkpoint}"


def parse_receipt(text: str) -> Receipt:
    """A receipt from its exact text; nothing in it is verified yet. Raises ReceiptRefused."""
    head, gap, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not gap or lines.pop(0) != HEADER:
        raise ReceiptRefused(f"A receipt begins with {HEADER}, and an empty line stands before its checkpoint.")
    try:
        extra = decode64(lines.pop(0).removeprefix("extra ")) if lines and lines[0].startswith("extra ") else None
        if not lines or not lines[0].startswith("index "):
            raise ReceiptRefused("The receipt lacks its line `index N`.")
        index = decode_decimal(lines.pop(0).removeprefix("index "))
        path = tuple(decode_hash(line) for line in lines)
    except ReceiptRefused:
        raise
    except ValueError as error:
        raise ReceiptRefused(f"The receipt is malformed: {error}") from error
    if len(path) > MAX_PATH:
        raise ReceiptRefused(f"The receipt's path has {len(path)} hashes: no log is larger than {MAX_PATH} allow.")
    return Receipt(index=index, path=path, checkpoint=checkpoint, extra=extra)


def verify_receipt(
    receipt: Receipt, entry: bytes, *, log: VerifierKey, witnesses: Sequence[VerifierKey] = ()
) -> Checkpoint:
    """The checkpoint under which `entry` is proved to be logged, signed by the log and cosigned by all `witnesses`.

    The log's key must bear the checkpoint's origin as its name. Raises ReceiptRefused, NoteRefused, NotProved.
    """
    note = open_note(receipt.checkpoint, [log, *witnesses])
    signers = {signature.key for signature in note.signatures}
    for key in (log, *witnesses):
        if key not in signers:
            raise NoteRefused(f"{key.name} ({key.id.hex()}) has not signed the receipt's checkpoint.")
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != log.name:
        raise ReceiptRefused(f"The checkpoint is of the log {checkpoint.origin}, but the trusted key is of {log.name}.")
    verify_inclusion(leaf_hash(entry), receipt.index, checkpoint.size, receipt.path, checkpoint.root)
    return checkpoint
