"""Penalties in serve records that no statement of reasons stands behind: there must be none (DSA Art. 17 (D17)).

Records are sealed, so that SQL cannot look into them. Two looks answer for each other: one query over the clear table
of what was applied (`statements_served`, which the door writes in the record's own transaction), and one pass over
records that were opened, which also holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection

from compliance.audit.models import ServeRecord
from compliance.statements.models import Decision, ServedPenalty

UNSTATED: Final = """
SELECT count(*)
  FROM statements_served AS served
  LEFT JOIN statements_decision AS decision ON decision.id = served.decision_id
  LEFT JOIN statements_statement AS statement ON statement.decision_id = served.decision_id
 WHERE decision.id IS NULL OR statement.decision_id IS NULL
"""
BATCH: Final = 500


@dataclass(frozen=True, kw_only=True)
class Unstated:
    """One fault of one record, as a sentence."""

    record_id: UUID
    words: str


def note_served(*, record_id: UUID, decision_ids: Iterable[UUID]) -> None:
    """Write down which decisions acted on a slate; to be called in the transaction that records it."""
    rows = [ServedPenalty(record_id=record_id, decision_id=decision_id) for decision_id in sorted(set(decision_ids))]
    ServedPenalty.objects.bulk_create(rows)


def forget_served(pseudonym: UUID) -> None:
    """Forget what acted on the lists of a person who is erased: it says which items they were shown."""
    records = ServeRecord.objects.filter(pseudonym=pseudonym).values("id")
    ServedPenalty.objects.filter(record_id__in=records).delete()


def unstated_demotions() -> int:
    """How many applied penalties have no decision or no statement: one query, and 0 where all is well."""
    with connection.cursor() as cursor:
        cursor.execute(UNSTATED)
        (count,) = cursor.fetchone()
    return int(count)


def unstated_in(documents: Iterable[tuple[UUID, Mapping[str, Any]]]) -> Iterator[Unstated]:
    """The faults of opened records `(id, document)`: penalties without a statement about that very item.

    A document's items carry `penalties`, a list of decision ids. What the clear table says is held against it.
    """
    batch: list[tuple[UUID, Mapping[str, Any]]] = []
    for one in documents:
        batch.append(one)
        if len(batch) == BATCH:
            yield from _faults(batch)
            batch = []
    yield from _faults(batch)


def _faults(batch: list[tuple[UUID, Mapping[str, Any]]]) -> Iterator[Unstated]:
    applied = {record_id: _applied(document) for record_id, document in batch}
    named = {decision_id for each in applied.values() for _, decision_id in each}
    stated = Decision.objects.filter(id__in=named, statement__isnull=False)
    item_of = dict(stated.values_list("id", "item_id"))
    clear: dict[UUID, set[UUID]] = {}
    for record_id, decision_id in ServedPenalty.objects.filter(record_id__in=applied).values_list(
        "record_id", "decision_id"
    ):
        clear.setdefault(record_id, set()).add(decision_id)
    for record_id, each in applied.items():
        for item_id, decision_id in each:
            if item_of.get(decision_id) != item_id:
                words = f"item {item_id} was penalised under {decision_id}, and no statement about it has that number"
                yield Unstated(record_id=record_id, words=words)
        if {decision_id for _, decision_id in each} != clear.get(record_id, set()):
            words = "the record and the clear table do not name the same decisions"
            yield Unstated(record_id=record_id, words=words)


def _applied(document: Mapping[str, Any]) -> list[tuple[int, UUID]]:
    items = document.get("output", document)["items"]
    return [(item["item_id"], UUID(one)) for item in items for one in item.get("penalties", ())]
