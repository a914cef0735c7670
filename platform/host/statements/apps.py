"""App configuration of the statements' pages and API: it brings their metrics."""

from __future__ import annotations

from django.apps import AppConfig
from prometheus_client import REGISTRY


class StatementPagesConfig(AppConfig):
    """Pages and API over `compliance.statements`; the models are there."""

    name = "host.statements"
    label = "statement_pages"

    def ready(self) -> None:
        """Add the backlog and the mismatch rate to /metrics."""
        from host.statements.metrics import StatementsCollector

        REGISTRY.register(StatementsCollector())
