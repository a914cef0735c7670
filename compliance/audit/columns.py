"""What the typed columns of a serve record must say, by its own canonical bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compliance.audit.models import ServeRecord
from ranking.catalogue.clock import to_ms


def column_differences(record: ServeRecord, document: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield (name, column, what the document says) of every column that differs. Raises KeyError, TypeError."""
    said = {
        "id": document["id"],
        "source": document.get("source", ""),  # before release 0.2.0 there was only our own door
        "service": document["asker"]["service"],
        "pseudonym": document["asker"]["pseudonym"],
        "served_at": str(document["situation"]["now_ms"]),
        "surface": document["situation"]["surface"],
        "jurisdiction": document["facts"]["jurisdiction"],
        "tier": document["facts"]["tier"],
        "feed_mode": document["plan"]["feed_mode"],
        "model": document["model_sha256"],
    }
    for name, recorded in said.items():
        # Events count up to the moment itself, so that the situation's time is one millisecond later.
        column = str(to_ms(record.served_at) + 1) if name == "served_at" else str(getattr(record, name))
        if column != recorded:
            yield name, column, recorded
