"""What the typed columns of a serve record must say, by its own canonical bytes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from compliance.audit.ingest.columns import external_columns
from compliance.audit.models import ServeRecord
from ranking.catalogue.clock import from_ms, to_ms


def column_differences(record: ServeRecord, document: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield (name, column, what the document says) of every column that differs. Raises KeyError, TypeError."""
    if document.get("source"):
        yield from _different(record, external_columns(document), exact=True)
        return
    said = {
        "id": document["id"],
        "source": "",
        "service": document["asker"]["service"],
        "pseudonym": document["asker"]["pseudonym"],
        # Events count up to the moment itself, so that the situation's time is one millisecond later.
        "served_at": str(document["situation"]["now_ms"] - 1),
        "surface": document["situation"]["surface"],
        "jurisdiction": document["facts"]["jurisdiction"],
        "tier": document["facts"]["tier"],
        "feed_mode": document["plan"]["feed_mode"],
        "model": document["model_sha256"],
    }
    yield from _different(record, said, exact=document["version"] > 1)  # before, the column was more precise


def _different(record: ServeRecord, said: dict[str, str], *, exact: bool) -> Iterator[tuple[str, str, str]]:
    columns = {
        "id": str(record.id),
        "source": record.source,
        "service": record.service,
        "pseudonym": str(record.pseudonym),
        "served_at": _moment(record.served_at, exact=exact),
        "surface": record.surface,
        "jurisdiction": record.jurisdiction,
        "tier": record.tier,
        "feed_mode": record.feed_mode,
        "model": record.model,
    }
    if columns != said:
        for name, recorded in said.items():
            if columns[name] != recorded:
                yield name, columns[name], recorded


def _moment(moment: datetime, *, exact: bool) -> str:
    """A moment in milliseconds; with what is beyond them where that has no business there."""
    milliseconds = to_ms(moment)
    return str(milliseconds) if not exact or from_ms(milliseconds) == moment else str(moment)
