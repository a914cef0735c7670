"""How many items each tier may be shown, and how many of its lists were short, as last counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.db import DatabaseError, InterfaceError
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from compliance.labels import pools

GAUGES: Final = {
    pools.ITEMS: ("clerestory_pool_items", "Items that a tier may be shown on a surface."),
    pools.FRESH: ("clerestory_pool_fresh_items", f"Those published in the last {pools.FRESH_DAYS} days."),
    pools.NEWEST_AGE: ("clerestory_pool_newest_age_seconds", "Age of the newest of them."),
    pools.NEEDED: ("clerestory_pool_needed_items", "Fewer items than this are an alarm."),
}
SHORT: Final = ("clerestory_short_lists", "Lists that were served shorter than they were asked for.")
LABELS: Final = ["tier", "surface"]


class PoolCollector(Collector):
    """The pools' gauges; nothing while the database does not answer, which `clerestory_audit_up` tells."""

    def describe(self) -> list[Metric]:
        """Nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Ask the database."""
        try:
            found = list(pools.gauges())
        except (DatabaseError, InterfaceError):
            return
        families: dict[str, GaugeMetricFamily | CounterMetricFamily] = {
            name: GaugeMetricFamily(*words, labels=LABELS) for name, words in GAUGES.items()
        }
        families[pools.SHORT] = CounterMetricFamily(*SHORT, labels=LABELS)
        for one in found:
            families[one.name].add_metric([one.tier, one.surface], one.value)
        yield from families.values()
