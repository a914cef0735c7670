"""How the audit log fares, read from the database when /metrics is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError
from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from compliance.audit.gauges import Gauges, gauges

GAUGES: Final = {
    "waiting": "Events that wait for a leaf of the log, counted up to 100,000.",
    "oldest_waiting_s": "Age of the event that has waited longest: the merge delay, of which 60 s are promised.",
    "leaves": "Leaves of the log that were given out.",
    "signed_leaves": "Leaves under the newest signed checkpoint.",
    "checkpoint_age_s": "Age of the newest signed checkpoint; it grows while nothing happens.",
    "witnesses_needed": "Witnesses that must cosign, by policy.",
    "witnesses_missing": "Cosignatures that the newest checkpoint lacks.",
    "cosigned_leaves": "Leaves under the newest checkpoint that has enough cosignatures.",
}
COUNTERS: Final = {
    "sequencer.rounds": "Rounds of the sequencer.",
    "sequencer.events": "Events that the sequencer gave a leaf.",
}
VERIFIED: Final = {
    "verify.faults": "Faults that the last verification found.",
    "verify.lost": "Events that the last verification found to be gone, or on record and in no leaf.",
    "verify.duplicated": "Events that the last verification found twice.",
    "verify.events": "Events that the last verification read.",
}
SHADOW: Final = {
    "shadow.replayed": "Slates of one day that the last shadow replay decided again.",
    "shadow.broken": "Slates among them that did not keep the grade they promised: look at once.",
}
AGES: Final = {
    "verify.faults": ("verify_age_s", "Time since the last verification."),
    "shadow.broken": ("shadow_age_s", "Time since the last shadow replay, which there is one of each day."),
}
BY_WITNESS: Final = {
    "witness.failures": "Questions that a witness did not answer, or not as it must.",
    "witness.refusals": "Checkpoints that a witness refused as another history.",
}


class LogCollector(Collector):
    """The log's gauges and counters; `up` alone while the database does not answer."""

    def describe(self) -> list[Metric]:
        """Nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Ask the database."""
        try:
            found = gauges(timezone.now())
        except (DatabaseError, ImproperlyConfigured, InterfaceError):
            yield GaugeMetricFamily("clerestory_audit_up", "Whether the audit log's state can be read.", value=0)
            return
        yield GaugeMetricFamily("clerestory_audit_up", "Whether the audit log's state can be read.", value=1)
        for name, words in GAUGES.items():
            if (value := getattr(found, name)) is not None:
                yield GaugeMetricFamily(f"clerestory_audit_{name}", words, value=value)
        yield from _metered(found)


def _metered(found: Gauges) -> Iterator[Metric]:
    for name, words in COUNTERS.items():
        yield CounterMetricFamily(_named(name), words, value=found.meters.get(name, 0))
    for name, words in {**VERIFIED, **SHADOW}.items():
        if name in found.meters:
            yield GaugeMetricFamily(_named(name), words, value=found.meters[name])
    for meter, (name, words) in AGES.items():
        if meter in found.meter_ages_s:
            yield GaugeMetricFamily(f"clerestory_audit_{name}", words, value=found.meter_ages_s[meter])
    for name, words in BY_WITNESS.items():
        family = CounterMetricFamily(_named(name), words, labels=["witness"])
        for meter, value in found.meters.items():
            if meter.startswith(f"{name}:"):
                family.add_metric([meter.partition(":")[2]], value)
        yield family


def _named(meter: str) -> str:
    return f"clerestory_audit_{meter.replace('.', '_')}"
