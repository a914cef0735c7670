"""App configuration of the limits."""

from __future__ import annotations

from django.apps import AppConfig
from prometheus_client import REGISTRY


class LimitsConfig(AppConfig):
    """Limits of time."""

    name = "compliance.limits"
    label = "limits"

    def ready(self) -> None:
        """Add what limits did to /metrics."""
        from compliance.limits.gauges import EffectCollector

        REGISTRY.register(EffectCollector())
