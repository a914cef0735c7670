"""Keys of auditors and of ingest sources, against the acts that gave them out and took them away.

The first such acts do not say a key's hash and a source's service: of those, everything else is compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from compliance.audit.ingest.models import IngestSource
from compliance.audit.models import AuditorKey
from ranking.catalogue.clock import from_ms

Faults = Iterator[str]
Acts = list[tuple[UUID, dict[str, Any]]]  # the oldest first

_APART: Final = timedelta(minutes=1)
"""How far an act's moment may be from its row's: they are taken one after the other."""


def auditors(acts: Iterable[tuple[UUID, dict[str, Any]]], forgotten: datetime | None) -> Faults:
    """Name auditors' keys that nobody gave out, or not like this. What is older than `forgotten` has no acts left."""
    by_name = _by_name(acts, "auditor")
    for row in AuditorKey.objects.order_by("name"):
        told = by_name.pop(row.name, [])
        what = f"the key of auditor {row.name!r}"
        added = next((said for _, said in told if said.get("act") == "added"), None)
        if added is None:
            if forgotten is None or row.issued_at > forgotten:
                yield f"{what} was given out by no act: its row was put there by hand"
        elif not _as_given(row, added):
            yield f"{what} is not what was given out: its row was changed"
        taken = any(said.get("act") == "revoked" for _, said in told)
        if taken and row.revoked_at is None:
            yield f"{what} was taken away by an act, but its row lets it in"
        elif row.revoked_at is not None and not taken and (forgotten is None or row.revoked_at > forgotten):
            yield f"{what} is marked as taken away, but no act did that"
    for name, told in by_name.items():
        yield f"the key of auditor {name!r} is on record by act {told[0][0]}, but its row is gone"


def sources(acts: Iterable[tuple[UUID, dict[str, Any]]], forgotten: datetime | None) -> Faults:
    """Name ingest sources that nobody added, or whose key is not the one that was given out last."""
    by_name = _by_name(acts, "source")
    for row in IngestSource.objects.order_by("name"):
        told = by_name.pop(row.name, [])
        what = f"the ingest source {row.name!r}"
        if not told:
            if forgotten is None or row.created_at > forgotten:
                yield f"{what} was added by no act: its row was put there by hand"
            continue
        keys = [said for _, said in told if said.get("act") in ("added", "renewed")]
        if keys and keys[-1].get("key_sha256", bytes(row.key_sha256).hex()) != bytes(row.key_sha256).hex():
            yield f"{what} has another key than it was given: its row was changed"
        if any(said.get("service", row.service) != row.service for said in keys):
            yield f"{what} is of another service than it was added for: its row was changed"
        if (told[-1][1].get("act") == "revoked") != (row.revoked_at is not None):
            yield f"{what}: its last act was {told[-1][1].get('act')!r}, but its row says something else"
    for name, told in by_name.items():
        yield f"the ingest source {name!r} is on record by act {told[0][0]}, but its row is gone"


def _as_given(row: AuditorKey, added: dict[str, Any]) -> bool:
    try:
        expires = from_ms(added["happened_ms"]) + timedelta(days=added["days"])
        given = (added["scopes"], added.get("key_sha256", bytes(row.key_sha256).hex()))
    except (ArithmeticError, LookupError, TypeError):
        return False
    return given == (list(row.scopes), bytes(row.key_sha256).hex()) and abs(row.expires_at - expires) < _APART


def _by_name(acts: Iterable[tuple[UUID, dict[str, Any]]], field: str) -> dict[str, Acts]:
    found: dict[str, Acts] = {}
    for event_id, said in acts:
        found.setdefault(str(said.get(field)), []).append((event_id, said))
    return found
