"""A witness: cosigns a log's checkpoint only when the log has grown from the one before (C2SP tlog-witness)."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from compliance.audit.log.files import replace
from compliance.audit.log.lines import decode_decimal, decode_hash, encode64, hash_lines
from compliance.audit.log.note import (
    Checkpoint,
    NoteRefused,
    SigningKey,
    VerifierKey,
    cosignature_line,
    open_note,
    parse_checkpoint,
)
from compliance.audit.log.tree import EMPTY_ROOT, NotProved, verify_consistency

MAX_PATH = 63


class WitnessRefused(ValueError):
    """The witness does not cosign: the sentence says why, `status` is the HTTP status, `size` the size it holds."""

    def __init__(self, status: int, sentence: str, *, size: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.size = size


@dataclass(frozen=True, kw_only=True)
class AddCheckpoint:
    """A request to cosign: the size that the witness holds, the proof of growth from it, the signed checkpoint."""

    old_size: int
    path: tuple[bytes, ...]
    checkpoint: str

    def body(self) -> str:
        """The body of the HTTP request (tlog-witness, add-checkpoint)."""
        return f"old {self.old_size}\n{hash_lines(self.path)}\n{self.checkpoint}"


def parse_add_checkpoint(body: str) -> AddCheckpoint:
    """A request from its body; nothing in it is verified yet. Raises WitnessRefused (400)."""
    head, gap, checkpoint = body.partition("\n\n")
    first, *lines = head.split("\n")
    if not gap or not first.startswith("old ") or len(lines) > MAX_PATH:
        raise WitnessRefused(
            400,
            f"A request is a line `old N`, at most {MAX_PATH} hashes, an empty line and a checkpoint (tlog-witness).",
        )
    try:
        path = tuple(decode_hash(line) for line in lines)
        return AddCheckpoint(old_size=decode_decimal(first.removeprefix("old ")), path=path, checkpoint=checkpoint)
    except ValueError as error:
        raise WitnessRefused(400, f"The request is malformed: {error}") from error


class Witness:
    """Watches one log. What it last cosigned lies in one file, which must be kept where the log cannot reach it."""

    def __init__(self, *, state: Path, key: SigningKey, log: VerifierKey) -> None:
        self._state = state
        self._key = key
        self._log = log

    def latest(self) -> Checkpoint:
        """The checkpoint that was cosigned last; of size 0 before the first. Raises NoteRefused on a damaged file."""
        try:
            text = self._state.read_text(encoding="utf-8")
        except FileNotFoundError:
            return Checkpoint(origin=self._log.name, size=0, root=EMPTY_ROOT)
        return parse_checkpoint(text)

    def add_checkpoint(self, request: AddCheckpoint, *, now: int) -> str:
        """The cosignature line on the request's checkpoint, made at `now` (POSIX seconds); its record is durable first.

        Raises WitnessRefused where the log is unknown (404), unsigned (403), has not grown from what was cosigned
        before (409, 422), or the request makes no sense (400).
        """
        checkpoint = self._opened(request.checkpoint)
        with self._alone():
            held = self.latest()
            self._check(request, checkpoint, held)
            replace(self._state, checkpoint.text().encode())
        return cosignature_line(checkpoint.text(), self._key, time=now)

    def _opened(self, note: str) -> Checkpoint:
        if (origin := note.partition("\n")[0]) != self._log.name:
            raise WitnessRefused(404, f"This witness does not watch the log {origin[:80]!r}, but {self._log.name}.")
        try:
            text = open_note(note, [self._log]).text
        except NoteRefused as error:
            raise WitnessRefused(403, str(error)) from error
        try:
            return parse_checkpoint(text)
        except NoteRefused as error:
            raise WitnessRefused(400, str(error)) from error

    @staticmethod
    def _check(request: AddCheckpoint, checkpoint: Checkpoint, held: Checkpoint) -> None:
        if request.old_size > checkpoint.size:
            raise WitnessRefused(400, f"A log of {checkpoint.size} entries cannot have grown from {request.old_size}.")
        if request.old_size != held.size:
            raise WitnessRefused(
                409,
                f"This witness cosigned {held.size} entries last, not {request.old_size}: prove growth from there.",
                size=held.size,
            )
        if checkpoint.size == held.size and checkpoint.root != held.root:
            raise WitnessRefused(
                409,
                f"The log {held.origin} forked: it signed the root {encode64(checkpoint.root)} for {held.size} "
                f"entries, for which this witness cosigned {encode64(held.root)}.",
                size=held.size,
            )
        try:
            verify_consistency(held.size, checkpoint.size, held.root, checkpoint.root, request.path)
        except NotProved as error:
            raise WitnessRefused(
                422,
                f"The log {held.origin} is not shown to have grown from {held.size} entries with the root "
                f"{encode64(held.root)}, cosigned here, to {checkpoint.size} with {encode64(checkpoint.root)}: the log "
                f"forked, or the proof is wrong. {error}",
            ) from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One request at a time, over processes: two at once could roll the record back (tlog-witness)."""
        handle = os.open(self._state.with_name(f"{self._state.name}.lock"), os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def cosigned(checkpoint: str, lines: Sequence[str], *, log: VerifierKey, witnesses: Sequence[VerifierKey]) -> str:
    """The checkpoint with the cosignatures of known witnesses appended, each once; others are left out.

    `lines` are the witnesses' answers. Raises NoteRefused if the log has not signed, or a known witness's line is bad.
    """
    open_note(checkpoint, [log])
    for line in lines:
        for witness in witnesses:
            if line.startswith(f"— {witness.name} ") and line not in checkpoint:
                open_note(checkpoint + line, [witness])
                checkpoint += line
    return checkpoint
