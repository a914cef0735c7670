"""Rules and weights change with their pack: which one is in force is on record before anything is planned with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Any, Final

import orjson
from django.db import OperationalError, connection, transaction

from compliance.audit.cold.errors import ColdDamaged, TooMuch
from compliance.audit.events import note
from compliance.audit.models import AuditEvent
from compliance.audit.selectors import cold_acts_of_kind
from compliance.policy.policy_set import PolicySet, shipped

KIND: Final = "policy"

_on_record: set[tuple[str, str]] = set()  # (service, pack) that this process has seen committed


class PolicyAway(OperationalError):
    """Which policy set is in force cannot be read, or nobody approved it: nothing is planned then, nor served."""


def put_on_record(policies: PolicySet, *, service: str, now: datetime) -> None:
    """Note that a service's lists are planned with these packs from now on, where that was not so before.

    Raises PolicyAway for a set that the release did not bring and that people did not put in force.
    A process looks once for each pack. Where processes of two releases run side by side, each pack is noted when the
    first process plans with it, and not again while both go on.
    """
    if (service, policies.sha256) in _on_record:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('policy in force'))")
        by, why = "release", "the release brings this pack"
        if policies.sha256 != shipped(policies.size).sha256:
            by, why = "activation", "the version that people put in force goes on"
            check_activated(service, policies.sha256)
        try:
            before = _before(service)
        except (ColdDamaged, TooMuch):  # lists go on: an archive that cannot be read is for `audit verify` to name
            before, why = "", f"{why}; the acts of before cannot be read from the cold tier"
        if before != policies.sha256:
            what = {"service": service, "policy_sha256": policies.sha256, "before_sha256": before}
            note(kind=KIND, happened_at=now, what={**what, "by": by, "why": why})
    if not connection.in_atomic_block:  # else it may still be rolled back
        _on_record.add((service, policies.sha256))


def check_activated(service: str, sha256: str) -> None:
    """Raise PolicyAway unless this set is the one that people put in force last, by what is on record."""
    try:
        last = next((said for said in _acts(service) if said.get("approved_by")), None)
    except (ColdDamaged, TooMuch) as error:
        raise PolicyAway(
            "Who put the policy set in force cannot be read from the cold tier, so nothing was served: run "
            "`manage.py audit verify`."
        ) from error
    if last is None or last["policy_sha256"] != sha256:
        raise PolicyAway(
            f"The policy set {sha256[:12]} is marked as in force, and no act on record says that people approved and "
            "activated it, so nothing was served. Find out who wrote to the table of versions, and set that "
            "version's state to 'retired' there: what the release brings is in force then. Propose anew."
        )


def _before(service: str) -> str:
    """The pack that a service's lists were planned with until now; empty where there was none."""
    return next((str(said["policy_sha256"]) for said in _acts(service)), "")


def _acts(service: str) -> Iterator[dict[str, Any]]:
    """What is on record of a service's policy, newest first."""
    hot = AuditEvent.objects.filter(kind=KIND, pseudonym=None).order_by("-id").iterator(chunk_size=100)
    for event in chain(hot, cold_acts_of_kind(KIND)):
        said = orjson.loads(bytes(event.body))
        if said["service"] == service:
            yield said


def forget() -> None:
    """Forget what this process has seen on record."""
    _on_record.clear()
