"""Tables of what holds now, against the acts that made it so: keys destroyed, months moved, keys of others given out.

None of these rows is in the log itself. What made each of them is, as an act that says enough to be compared with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
from django.db import DataError

from compliance.audit.cold import duck
from compliance.audit.cold.errors import ColdDamaged, TooMuch
from compliance.audit.cold.selectors import paths_of
from compliance.audit.keys.services import erasure_mark
from compliance.audit.models import AuditEvent, ColdMonth, KeyTombstone
from compliance.audit.verification.holders import auditors, sources
from ranking.catalogue.clock import from_ms, to_ms

Faults = Iterator[str]

KINDS: Final = ("erasure", "retention_drop", "auditor_key", "ingest_source")

_COLD: Final = """
SELECT id, kind, body FROM read_parquet($paths)
WHERE pseudonym IS NULL AND kind IN (SELECT unnest($kinds::VARCHAR[]))
"""


class Act(NamedTuple):
    """An act of nobody in particular, as its bytes say it."""

    id: UUID
    kind: str
    said: dict[str, Any]


def standing() -> Faults:
    """Name every row that no act bears out, and every act whose row is gone.

    Rows and acts are read one after the other while others write. What differs only at a first look was on its way.
    """
    try:
        first = set(_differences())
        yield from (fault for fault in (_differences() if first else ()) if fault in first)
    except (ColdDamaged, TooMuch) as error:
        yield f"acts of the cold tier cannot be compared with what they brought about: {error}"
    except DataError as error:
        yield f"what acts brought about cannot be read, and was not compared with them: {error}"


def _differences() -> Faults:
    acts = _acts()
    yield from _tombstones(each for each in acts if each.kind == "erasure")
    yield from _months(each for each in acts if each.kind == "retention_drop")
    for kind, faults in (("auditor_key", auditors), ("ingest_source", sources)):
        yield from faults(((each.id, each.said) for each in acts if each.kind == kind), _forgotten(kind))


def _acts() -> list[Act]:
    """All acts of these kinds, the oldest first. PostgreSQL is read first: months only ever move from there."""
    found: dict[UUID, Act] = {}
    hot = AuditEvent.objects.filter(kind__in=KINDS).values_list("id", "kind", "body")
    for event_id, kind, body in hot.iterator(chunk_size=2_000):
        found[event_id] = Act(event_id, kind, _said(bytes(body)))
    for month in ColdMonth.objects.filter(table="acts", expired_at=None).order_by("period"):
        if kinds := sorted(set(KINDS) & set(month.kinds)):
            for row in duck.rows(paths_of(month), _COLD, {"kinds": kinds}).to_pylist():
                event_id = UUID(str(row["id"]))
                found[event_id] = Act(event_id, row["kind"], _said(row["body"]))
    return [found[event_id] for event_id in sorted(found)]


def _said(body: bytes) -> dict[str, Any]:
    """What an act says; nothing where its bytes are no document, which is named where acts are read."""
    try:
        said = orjson.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _forgotten(kind: str) -> datetime | None:
    """Up to when acts of a kind are past their retention; None where none is."""
    ended = [
        month.last_id
        for month in ColdMonth.objects.filter(table="acts").exclude(expired_at=None)
        if kind in month.kinds and month.last_id is not None
    ]
    return from_ms(max(ended).int >> 80) if ended else None


def _tombstones(erasures: Iterable[Act]) -> Faults:
    """A key that was destroyed by hand, and an erasure that somebody took back."""
    by_mark = {each.said.get("erased"): each for each in erasures}
    tombstones = KeyTombstone.objects.values_list("pseudonym", "erased_at", "why").order_by("pseudonym")
    for pseudonym, erased_at, why in tombstones.iterator():
        act = by_mark.pop(erasure_mark(pseudonym), None)
        if act is None:
            yield f"the tombstone of {pseudonym} is borne out by no erasure: its key was destroyed by hand"
        elif (to_ms(erased_at), why) != (act.said.get("happened_ms"), act.said.get("why")):
            yield f"the tombstone of {pseudonym} is not what the act {act.id} says: its row was changed"
    for act in by_mark.values():
        yield f"audit event {act.id} erased somebody whose tombstone is gone: a key could be made for them again"


def _months(drops: Iterable[Act]) -> Faults:
    """Months that left PostgreSQL and are known nowhere since. Their rows stay, also when their retention has ended.

    Whether a row that is there says what its act says is looked at in `cold/verification.py`.
    """
    there = set(ColdMonth.objects.values_list("drop_event", "table", "period", "retention"))
    for each in drops:
        try:
            table, period = each.said["table"], date.fromisoformat(each.said["period"])
            dropped = [(table, period, month["retention"]) for month in each.said["months"]]
        except (LookupError, TypeError, ValueError):
            yield f"audit event {each.id}: its bytes do not say which months were dropped"
            continue
        for table, period, retention in dropped:
            if (each.id, table, period, retention) not in there:
                yield (
                    f"{table} of {period:%Y-%m}, {retention}, went to the cold tier by the act {each.id}, but no row "
                    "says where they lie: it was removed; restore it, and its files"
                )
