"""Asking a witness over HTTP to cosign a checkpoint (C2SP tlog-witness, add-checkpoint), within a bounded time."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

from compliance.audit.log.lines import decode_decimal
from compliance.audit.log.note import (
    COSIGNATURE,
    Checkpoint,
    NoteRefused,
    VerifierKey,
    open_note,
    parse_checkpoint,
    parse_vkey,
)
from compliance.audit.log.witness import AddCheckpoint

MAX_ANSWER: Final = 16_384
SIZE_TYPE: Final = "text/x.tlog.size"

Prover = Callable[[int, int], Sequence[bytes]]
"""The consistency proof between two sizes of the log."""


class WitnessAway(Exception):
    """A witness gave no answer, or none that can be used: it is asked again later."""


class ForkWitnessed(Exception):
    """A witness cosigned another history of this log, or a longer one, than the one that it was shown."""


@dataclass(frozen=True, kw_only=True)
class WitnessAddress:
    """A witness: the key that it cosigns with, and the prefix of its addresses (`<url>/add-checkpoint`)."""

    key: VerifierKey
    url: str


@dataclass(frozen=True, kw_only=True)
class _Answer:
    status: int
    kind: str
    text: str


def parse_witnesses(text: str) -> tuple[WitnessAddress, ...]:
    """Witnesses from a setting: `vkey url`, separated by commas. Raises NoteRefused."""
    found = []
    for part in (each.split() for each in text.split(",") if each.strip()):
        if len(part) != 2 or urlsplit(part[1]).scheme not in ("http", "https") or not urlsplit(part[1]).hostname:
            raise NoteRefused(f"{' '.join(part)[:200]!r} is no witness: write its key, a space, and its http address.")
        key = parse_vkey(part[0])
        if key.kind != COSIGNATURE:
            raise NoteRefused(f"The key of the witness {key.name} signs notes: ask for the one that it cosigns with.")
        found.append(WitnessAddress(key=key, url=part[1].rstrip("/")))
    if len({each.key.name for each in found}) < len(found):
        raise NoteRefused("Two witnesses have one name: each must be named once.")
    return tuple(found)


def ask(witness: WitnessAddress, checkpoint: str, *, held: int, prove: Prover, patience_s: float) -> str:
    """The witness's cosignature line on a signed checkpoint, verified.

    `held` is the size that it is believed to have cosigned last; if it says another, it is asked once more from there.
    Takes at most about four times `patience_s`. Raises ForkWitnessed, WitnessAway, LogDamaged (where a proof cannot
    be made).
    """
    head = parse_checkpoint(note_text(checkpoint))
    if held > head.size:
        raise ForkWitnessed(f"{witness.key.name} cosigned {held} entries of {head.origin}, which has {head.size} now.")
    for _ in range(2):
        answer = _post(witness, _request(checkpoint, held, head, prove), patience_s)
        if answer.status == 200:
            return _own_line(witness, checkpoint, answer.text)
        if answer.status != 409:
            break
        asked, held = held, _size(witness, answer)
        if held > head.size or held == asked == head.size:
            raise ForkWitnessed(_fork(witness, head, held, answer))
    if answer.status == 422:
        raise ForkWitnessed(_fork(witness, head, held, answer))
    raise WitnessAway(f"{witness.key.name} answered {answer.status}: {answer.text[:200].strip()!r}.")


def note_text(note: str) -> str:
    """The text of a note, its signatures not verified: it is our own."""
    return note.rpartition("\n\n")[0] + "\n"


def _request(checkpoint: str, held: int, head: Checkpoint, prove: Prover) -> AddCheckpoint:
    path = () if held in (0, head.size) else tuple(prove(held, head.size))
    return AddCheckpoint(old_size=held, path=path, checkpoint=checkpoint)


def _fork(witness: WitnessAddress, head: Checkpoint, size: int, answer: _Answer) -> str:
    said = "" if answer.status == 409 else f" It says: {answer.text[:300].strip()!r}."
    return (
        f"The witness {witness.key.name} cosigned {size} entries of {head.origin} and does not take {head.size} for "
        f"their growth (answer {answer.status}): two histories were signed. Compare with its checkpoint.{said}"
    )


def _size(witness: WitnessAddress, answer: _Answer) -> int:
    try:
        if answer.kind.partition(";")[0].strip() != SIZE_TYPE:
            raise ValueError(f"the answer is {answer.kind!r}")
        return decode_decimal(answer.text.removesuffix("\n"))
    except ValueError as error:
        raise WitnessAway(f"{witness.key.name} answered 409 without the size that it holds: {error}.") from error


def _own_line(witness: WitnessAddress, checkpoint: str, answer: str) -> str:
    """The line among those answered that is this witness's; it may sign with several keys."""
    for line in answer.splitlines(keepends=True):
        if not line.startswith(f"— {witness.key.name} ") or not line.endswith("\n"):
            continue
        try:
            open_note(f"{note_text(checkpoint)}\n{line}", [witness.key])
        except NoteRefused:
            continue  # of another key under the same name, or none at all
        return line
    raise WitnessAway(f"{witness.key.name} answered with no cosignature that fits: {answer[:200]!r}.")


def _post(witness: WitnessAddress, request: AddCheckpoint, patience_s: float) -> _Answer:
    address = urlsplit(f"{witness.url}/add-checkpoint")
    secure = address.scheme == "https"
    connection = (HTTPSConnection if secure else HTTPConnection)(
        address.hostname or "", address.port, timeout=patience_s
    )
    try:
        connection.connect()
        with _cut_off(connection.sock, patience_s):
            connection.request("POST", address.path, request.body().encode(), {"Content-Type": "text/plain"})
            return _read(connection.getresponse())
    except (OSError, HTTPException) as error:
        raise WitnessAway(f"{witness.key.name} at {witness.url} did not answer in time or at all: {error}.") from error
    finally:
        connection.close()


def _read(response: HTTPResponse) -> _Answer:
    content = response.read(MAX_ANSWER)
    kind = response.headers.get("Content-Type") or ""
    return _Answer(status=response.status, kind=kind, text=content.decode(errors="replace"))


@contextmanager
def _cut_off(connected: socket.socket, seconds: float) -> Iterator[None]:
    """Close a connection at the deadline, whatever it does: a socket's own timeout begins anew with every byte."""
    timer = threading.Timer(seconds, _shut, [connected])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _shut(connected: socket.socket) -> None:
    try:
        connected.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is closed already
