"""How the log fares, in numbers that are cheap to read: for metrics, never as proof."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db import connection

from compliance.audit.models import LogCheckpoint
from compliance.audit.models.witnesses import LogMeter
from compliance.audit.witnessing.policy import witness_policy
from compliance.audit.witnessing.selectors import cosigners_of, enough_cosigned

COUNTED: Final = 100_000
"""Waiting events are counted up to here: a longer queue is as bad, and counting it all would take its time."""
_WAITING: Final = """
SELECT count(*), min(queued_at) FROM (SELECT queued_at FROM audit_logqueue LIMIT %s) AS waiting
"""
_LEAVES: Final = "SELECT coalesce(max(leaf) + 1, 0) FROM audit_logentry"


@dataclass(frozen=True, kw_only=True)
class Gauges:
    """Ages are in seconds; None where there is nothing to be old."""

    waiting: int
    oldest_waiting_s: float | None
    leaves: int
    signed_leaves: int
    checkpoint_age_s: float | None
    witnesses_needed: int
    witnesses_missing: int
    cosigned_leaves: int
    meters: dict[str, int] = field(default_factory=dict)
    meter_ages_s: dict[str, float] = field(default_factory=dict)


def gauges(now: datetime) -> Gauges:
    """Read them all. Raises ImproperlyConfigured where the witnesses' settings cannot be used."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [COUNTED])
        waiting, oldest = cursor.fetchone()
        cursor.execute(_LEAVES)
        (leaves,) = cursor.fetchone()
    last, policy, meters = LogCheckpoint.objects.order_by("-size").first(), witness_policy(), LogMeter.objects.all()
    signed = len(cosigners_of(last.size) & policy.keys.keys()) if last is not None else policy.needed
    return Gauges(
        waiting=waiting,
        oldest_waiting_s=None if oldest is None else (now - oldest).total_seconds(),
        leaves=leaves,
        signed_leaves=0 if last is None else last.size,
        checkpoint_age_s=None if last is None else (now - last.made_at).total_seconds(),
        witnesses_needed=policy.needed,
        witnesses_missing=max(0, policy.needed - signed),
        cosigned_leaves=(enough_cosigned(policy) or 0) if policy.needed else 0,
        meters={meter.name: meter.value for meter in meters},
        meter_ages_s={meter.name: (now - meter.at).total_seconds() for meter in meters},
    )
