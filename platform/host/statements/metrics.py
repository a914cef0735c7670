"""How sending statements of reasons fares, read from the database when /metrics is asked for (DSA Art. 24(5) (D24))."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import DatabaseError, InterfaceError
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from compliance.statements.export.backlog import backlog
from compliance.statements.export.reconciling import rate_of
from compliance.statements.models import Reconciliation
from compliance.statements.unstated import unstated_demotions

NAME = "clerestory_statements_"


class StatementsCollector(Collector):
    """Backlog, its age, the last reconciliation's mismatch rate, and penalties without a statement."""

    def describe(self) -> list[Metric]:
        """Nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Ask the database; nothing while it does not answer."""
        try:
            now = timezone.now()
            found, last, unstated = backlog(now), Reconciliation.objects.order_by("-pk").first(), unstated_demotions()
        except (DatabaseError, InterfaceError):
            return
        for state in ("waiting", "refused", "different"):
            words = f"Statements that have not reached the public database: {state}."
            yield GaugeMetricFamily(f"{NAME}{state}", words, value=getattr(found, state))
        yield GaugeMetricFamily(f"{NAME}oldest_s", "Age of the oldest of them.", value=found.oldest_s or 0)
        yield GaugeMetricFamily(f"{NAME}alarm", "Whether somebody must act on them.", value=bool(found.alarm))
        yield GaugeMetricFamily(f"{NAME}unstated", "Applied penalties without a statement.", value=unstated)
        if last is not None:
            words = "Share of fields sent that do not say what was decided, at the last reconciliation."
            yield GaugeMetricFamily(f"{NAME}mismatch_rate", words, value=rate_of(last))
            age = (now - last.made_at).total_seconds()
            yield GaugeMetricFamily(f"{NAME}reconciled_s", "Time since the last reconciliation.", value=age)
