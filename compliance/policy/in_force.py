"""Rules and weights change with their pack: which one is in force is on record before anything is planned with it."""

from __future__ import annotations

from datetime import datetime
from itertools import chain
from typing import Final

import orjson
from django.db import connection, transaction

from compliance.audit.cold.errors import ColdDamaged, TooMuch
from compliance.audit.events import note
from compliance.audit.models import AuditEvent
from compliance.audit.selectors import cold_acts_of_kind
from compliance.policy.policy_set import PolicySet

KIND: Final = "policy"

_on_record: set[tuple[str, str]] = set()  # (service, pack) that this process has seen committed


def put_on_record(policies: PolicySet, *, service: str, now: datetime) -> None:
    """Note that a service's lists are planned with these packs from now on, where that was not so before.

    A process looks once for each pack. Where processes of two releases run side by side, each pack is noted when the
    first process plans with it, and not again while both go on.
    """
    if (service, policies.sha256) in _on_record:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('policy in force'))")
        why = "the release brings this pack"
        try:
            before = _before(service)
        except (ColdDamaged, TooMuch):  # lists go on: an archive that cannot be read is for `audit verify` to name
            before, why = "", f"{why}; the acts of before cannot be read from the cold tier"
        if before != policies.sha256:
            what = {"service": service, "policy_sha256": policies.sha256, "before_sha256": before}
            note(kind=KIND, happened_at=now, what={**what, "by": "release", "why": why})
    if not connection.in_atomic_block:  # else it may still be rolled back
        _on_record.add((service, policies.sha256))


def _before(service: str) -> str:
    """The pack that a service's lists were planned with until now; empty where there was none."""
    hot = AuditEvent.objects.filter(kind=KIND, pseudonym=None).order_by("-id").iterator(chunk_size=100)
    for event in chain(hot, cold_acts_of_kind(KIND)):
        said = orjson.loads(bytes(event.body))
        if said["service"] == service:
            return str(said["policy_sha256"])
    return ""


def forget() -> None:
    """Forget what this process has seen on record."""
    _on_record.clear()
