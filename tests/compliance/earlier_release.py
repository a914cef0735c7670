"""The records of an earlier release, as `tests/fixtures/make_release_fixture.py` packed them."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from compliance.audit.heads import LogPlace
from compliance.audit.log.note import parse_vkey
from compliance.audit.models import Blob, LogCheckpoint, LogEntry, ServeRecord
from compliance.audit.storage.partitions import make_ahead

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"


@dataclass(frozen=True, kw_only=True)
class Release:
    """One release's file, with its models and its log laid out in a folder."""

    archive: Path
    folder: Path

    @classmethod
    def unpacked(cls, name: str, folder: Path) -> Release:
        """Lay out a release's file. Models go where a registry has them."""
        release = cls(archive=FIXTURES / f"release_{name}.zip", folder=folder)
        with zipfile.ZipFile(release.archive) as archive:
            archive.extractall(folder)
        (folder / "models").rename(folder / release.about["model_sha256"])
        (folder / "models").mkdir()
        (folder / release.about["model_sha256"]).rename(folder / "models" / release.about["model_sha256"])
        return release

    @property
    def about(self) -> dict[str, Any]:
        """The model's address, the environment that scored, the processor's flags and the log's key."""
        document: dict[str, Any] = json.loads((self.folder / "about.json").read_text())
        return document

    @property
    def models(self) -> Path:
        """A registry's folder."""
        return self.folder / "models"

    @property
    def place(self) -> LogPlace:
        """The log that the release signed."""
        return LogPlace(folder=self.folder / "log", verifier=parse_vkey(self.about["vkey"]))

    def rows(self, table: str) -> Iterator[dict[str, str]]:
        """A table's rows as PostgreSQL's text."""
        csv.field_size_limit(2**24)
        yield from csv.DictReader(io.StringIO((self.folder / "tables" / f"{table}.csv").read_text()))


def load_as_migrated(release: Release) -> None:
    """Put rows of release 0.1.0 into today's tables, as migrations leave them. In a test's transaction."""
    LogEntry.objects.all().delete()
    LogCheckpoint.objects.all().delete()
    records = list(release.rows("audit_serverecord"))
    make_ahead(now=datetime.fromisoformat(records[0]["served_at"]))
    ServeRecord.objects.bulk_create(_record(row) for row in records)
    Blob.objects.bulk_create(
        Blob(sha256=row["sha256"], content=_bytes(row["content"])) for row in release.rows("audit_blob")
    )
    LogEntry.objects.bulk_create(
        LogEntry(
            leaf=int(row["leaf"]),
            place=int(row["place"]),
            event_id=row["event_id"],
            kind=row["kind"],
            digest=_bytes(row["digest"]),
        )
        for row in release.rows("audit_logentry")
    )
    LogCheckpoint.objects.bulk_create(
        LogCheckpoint(
            size=int(row["size"]), number=number, root=_bytes(row["root"]), note=row["note"], made_at=row["made_at"]
        )
        for number, row in enumerate(release.rows("audit_logcheckpoint"), 1)
    )


def _record(row: dict[str, str]) -> ServeRecord:
    same = ("id", "service", "pseudonym", "served_at", "surface", "feed_mode", "tier", "jurisdiction")
    return ServeRecord(
        **{name: row[name] for name in same},
        source="",
        model_sha256=bytes.fromhex(row["model_sha256"]) or None,
        body=_bytes(row["body"]),
        salt=_bytes(row["salt"]),
    )


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("\\x"))
