"""Yesterday's effects as metrics, read from the stored means: never from anybody's own days."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.db import DatabaseError, InterfaceError
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from compliance.limits.models import DayEffect

FIELDS: Final = {
    "people": "People of a tier who were served on the latest day that was counted.",
    "minutes": "Their mean minutes that day.",
    "night_minutes": "Their mean minutes between 22:00 and 06:00.",
    "opens": "How often a day they opened the service, on average.",
    "breaks_due": "Breaks that refused a list.",
    "breaks_dismissed": "Lists that were asked for again during a break.",
}


class EffectCollector(Collector):
    """One gauge a measure, by tier; none while the database does not answer."""

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Ask the database for the latest day."""
        try:
            latest = DayEffect.objects.order_by("-day").values_list("day", flat=True).first()
            effects = [] if latest is None else list(DayEffect.objects.filter(day=latest).order_by("tier"))
        except (DatabaseError, InterfaceError):
            return
        for field, words in FIELDS.items():
            gauge = GaugeMetricFamily(f"clerestory_limits_{field}", words, labels=["tier"])
            for effect in effects:
                gauge.add_metric([effect.tier], float(getattr(effect, field)))
            yield gauge
