"""Work that decisions leave to the outbox."""

from __future__ import annotations

from typing import Any

from compliance.statements.tasks import export_waiting


def export_statements(arguments: dict[str, Any]) -> None:
    """Send the statements that wait. Failures stay on their rows, with a time to be tried again: nothing is raised."""
    export_waiting()
