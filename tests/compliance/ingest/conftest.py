"""A source that may post decisions."""

from __future__ import annotations

import pytest

from compliance.audit.ingest import backlog, sources
from compliance.audit.ingest.models import IngestRange
from compliance.audit.ingest.sources import Source
from compliance.audit.models import LogQueue, ServeRecord


@pytest.fixture
def source(db: None) -> Source:
    """A source that was just added."""
    return made_source("elsewhere")


def made_source(name: str) -> Source:
    """Add a source, and be it."""
    found = sources.source_of(sources.add(name=name, service="test", by="an operator", why="a test"))
    assert found is not None
    return found


@pytest.fixture(autouse=True)
def _looks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The look at the queue is not shared between tests."""
    monkeypatch.setattr(backlog._Seen, "at", float("-inf"))


def counts() -> dict[str, int]:
    """How many rows there are of everything that a batch writes."""
    return {
        "records": ServeRecord.objects.count(),
        "waiting": LogQueue.objects.filter(kind="serve").count(),
        "ranges": IngestRange.objects.count(),
    }
