"""App configuration of the log's public face: it brings the log's metrics."""

from __future__ import annotations

from django.apps import AppConfig
from prometheus_client import REGISTRY


class TransparencyConfig(AppConfig):
    """The audit log, seen from outside."""

    name = "host.transparency"
    label = "transparency"

    def ready(self) -> None:
        """Add the log's state to /metrics."""
        from host.transparency.metrics import LogCollector

        REGISTRY.register(LogCollector())
