"""App configuration of the log's public face: it brings the log's metrics."""

from __future__ import annotations

from django.apps import AppConfig
from prometheus_client import REGISTRY


class TransparencyConfig(AppConfig):
    """The audit log, seen from outside."""

    name = "host.transparency"
    label = "transparency"

    def ready(self) -> None:
        """Add the log's state and the pools' to /metrics."""
        from host.transparency.metrics import LogCollector
        from host.transparency.pool_metrics import PoolCollector

        REGISTRY.register(LogCollector())
        REGISTRY.register(PoolCollector())
