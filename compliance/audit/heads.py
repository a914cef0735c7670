"""Signed tree heads: where the log lies, what was published, and whether a head may be followed by another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from compliance.audit.log import files
from compliance.audit.log.note import Checkpoint, NoteRefused, VerifierKey, open_note, parse_checkpoint
from compliance.audit.log.tiles import TileStore
from compliance.audit.models import LogCheckpoint
from compliance.audit.witnessing.policy import WitnessPolicy
from compliance.audit.witnessing.selectors import enough_cosigned, lines_on

CHECKPOINT: Final = "checkpoint"


class LogForked(Exception):
    """What would be signed contradicts what was signed before. Nothing is signed until a person has looked."""


class CopyAway(OSError):
    """The folder of the second copy is not there."""


@dataclass(frozen=True, kw_only=True)
class LogPlace:
    """Where the log lies, whose signatures it bears, and where the second copy of its checkpoints goes."""

    folder: Path
    verifier: VerifierKey
    second: Path | None = None

    @property
    def tiles(self) -> TileStore:
        """The tiles, in a folder that is there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return TileStore(self.folder)

    @property
    def folders(self) -> tuple[Path, ...]:
        """Everywhere that a checkpoint is published."""
        return (self.folder,) if self.second is None else (self.folder, self.second)

    def head(self, note: str) -> Checkpoint:
        """The checkpoint in a note that this log signed. Raises NoteRefused."""
        head = parse_checkpoint(open_note(note, [self.verifier]).text)
        if head.origin != self.verifier.name:
            raise NoteRefused(f"The checkpoint is of the log {head.origin}, not of {self.verifier.name}.")
        return head

    def row_head(self, row: LogCheckpoint) -> Checkpoint:
        """What a row of the database signs. Raises NoteRefused where its columns say something else."""
        head = self.head(row.note)
        if (head.size, head.root) != (row.size, bytes(row.root)):
            raise NoteRefused(f"The checkpoint's columns say {row.size} leaves, but {head.size} were signed.")
        return head


def published(folder: Path) -> str | None:
    """The text of a folder's checkpoint file, or None. What is no text is replaced: no signature fits it then."""
    path = folder / CHECKPOINT
    return path.read_bytes().decode(errors="replace") if path.is_file() else None


def newest(place: LogPlace) -> tuple[Checkpoint, str] | None:
    """The newest head that the database knows, and its note with the cosignatures that it has.

    Raises LogForked where it is not what was signed.
    """
    return _head_of(place, LogCheckpoint.objects.order_by("-size").first())


def newest_cosigned(place: LogPlace, policy: WitnessPolicy, *, above: int) -> tuple[Checkpoint, str] | None:
    """The newest head of more than `above` leaves with as many cosignatures as must be; else the newest head.

    Raises LogForked.
    """
    size = enough_cosigned(policy, above=above) if policy.needed else None
    cosigned = None if size is None else LogCheckpoint.objects.filter(size=size).first()
    return newest(place) if cosigned is None else _head_of(place, cosigned)


def _head_of(place: LogPlace, row: LogCheckpoint | None) -> tuple[Checkpoint, str] | None:
    if row is None:
        return None
    try:
        return place.row_head(row), row.note + "".join(lines_on(row.size))
    except NoteRefused as error:
        raise LogForked(
            f"The database's newest checkpoint was changed: {error} Run `manage.py audit verify`."
        ) from error


def refuse_larger(place: LogPlace, head: Checkpoint | None) -> dict[Path, Checkpoint]:
    """What is published where; none of it may be larger than what the database knows.

    Raises LogForked where one is (the database is older than it), or was not signed; CopyAway where the second copy's
    folder is not there.
    """
    if place.second is not None and not place.second.is_dir():
        raise CopyAway(f"The folder {place.second} of the second copy is not there: mount it, or make it once by hand.")
    size, found = 0 if head is None else head.size, {}
    for folder in place.folders:
        text = published(folder)
        if text is None:
            continue
        try:
            there = place.head(text)
        except NoteRefused as error:
            raise LogForked(f"{folder / CHECKPOINT} is not what this log signed: {error}") from error
        if there.size > size:
            raise LogForked(
                f"{folder} has a signed checkpoint of {there.size} leaves, the database one of {size}: the database is "
                "older than what was published. Restore the missing rows; signing on would fork the log."
            )
        found[folder] = there
    return found


def refuse_fork(place: LogPlace, head: Checkpoint | None) -> None:
    """Compare the head that is about to be followed with everything that was published.

    Raises what `refuse_larger` does, LogForked where a published head is of another history, LogDamaged where the
    tiles cannot tell.
    """
    for folder, there in refuse_larger(place, head).items():
        known = head.root if head is not None and there.size == head.size else place.tiles.root(there.size)
        if there.root != known:
            raise LogForked(f"{folder / CHECKPOINT} signs another root for {there.size} leaves than this log has.")


def write_checkpoint(place: LogPlace, note: str) -> None:
    """Put a signed checkpoint where it is published, and where its second copy lies: each whole or not at all."""
    place.folder.mkdir(parents=True, exist_ok=True)
    for folder in place.folders:
        if published(folder) != note:
            files.replace(folder / CHECKPOINT, note.encode())
