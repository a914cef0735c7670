"""Sinks that are folders: lines of JSON, or Parquet. A delivery is a file, named by the events that it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from compliance.audit.cold.parquet import batch_of, write
from compliance.audit.cold.schema import LOG
from compliance.audit.log.files import replace, sync_folder
from compliance.audit.streams.types import SinkAway, StreamEvent, envelope


@dataclass(frozen=True, kw_only=True)
class LinesSink:
    """Writes each delivery as one file of JSON lines. The folder must be there."""

    folder: Path

    def deliver(self, events: Sequence[StreamEvent]) -> None:
        """Write the file whole and durable. Raises SinkAway."""
        try:
            replace(self.folder / _name(events, "jsonl"), b"".join(envelope(event) + b"\n" for event in events))
        except OSError as error:
            raise SinkAway(f"{self.folder} takes no files ({error}): make the folder, or make room.") from error


@dataclass(frozen=True, kw_only=True)
class ParquetSink:
    """Writes each delivery as one Parquet file of the table `log`. The folder must be there."""

    folder: Path

    def deliver(self, events: Sequence[StreamEvent]) -> None:
        """Write the file whole and durable. Raises SinkAway."""
        batch = batch_of(
            LOG,
            {
                "leaf": [event.position.leaf for event in events],
                "place": [event.position.place for event in events],
                "event_id": [event.id.bytes for event in events],
                "kind": [event.kind for event in events],
                "digest": [event.digest for event in events],
                "pseudonym": [None if event.pseudonym is None else event.pseudonym.bytes for event in events],
                "body": [event.body for event in events],
            },
        )
        name = _name(events, "parquet")
        try:
            write(self.folder / f".{name}.tmp", LOG, [batch])
            (self.folder / f".{name}.tmp").replace(self.folder / name)
            sync_folder(self.folder)
        except OSError as error:
            raise SinkAway(f"{self.folder} takes no files ({error}): make the folder, or make room.") from error


def _name(events: Sequence[StreamEvent], suffix: str) -> str:
    """The same events have the same name, so that a delivery that is repeated replaces its file."""
    first, last = events[0].position, events[-1].position
    return f"{first.leaf:016d}.{first.place:05d}-{last.leaf:016d}.{last.place:05d}.{suffix}"
