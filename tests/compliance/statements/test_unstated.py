"""No penalty in the serve log without its statement: one query, and one look into the records (AC-17 (D17))."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from compliance.statements.models import Decision
from compliance.statements.services import decide
from compliance.statements.unstated import note_served, unstated_demotions, unstated_in
from tests.compliance.statements.conftest import SERVICE, Made, item_of


@pytest.fixture(name="decision")
def _decision(made: Made) -> Decision:
    return decide(service=SERVICE, new=made.new())


def document(item_id: int, *decisions: UUID) -> dict[str, Any]:
    """As much of a record as is looked at; the second item has no penalties, as in records of before."""
    items = [{"item_id": item_id, "penalties": [str(one) for one in decisions]}, {"item_id": item_id + 1}]
    return {"output": {"items": items}}


def test_one_query_counts_what_no_statement_stands_behind(decision: Decision) -> None:
    note_served(record_id=uuid4(), decision_ids=[decision.id, decision.id])
    with CaptureQueriesContext(connection) as queries:
        assert unstated_demotions() == 0
    assert len(queries) == 1
    planted = uuid4()
    note_served(record_id=planted, decision_ids=[uuid4(), decision.id])
    assert unstated_demotions() == 1


def test_opened_records_are_held_against_the_statements_and_the_clear_table(made: Made, decision: Decision) -> None:
    record, other = uuid4(), item_of(None, 2)
    note_served(record_id=record, decision_ids=[decision.id])
    assert list(unstated_in([(record, document(made.item.pk, decision.id))])) == []
    (about_another,) = unstated_in([(record, document(other.pk, decision.id))])
    assert f"item {other.pk}" in about_another.words
    (not_written,) = unstated_in([(record, document(made.item.pk))])
    assert "do not name the same" in not_written.words
    planted = uuid4()
    faults = list(unstated_in([(record, document(made.item.pk, decision.id, planted))]))
    assert [str(planted) in faults[0].words, len(faults)] == [True, 2]
    assert list(unstated_in([(uuid4(), {"items": [{"item_id": 1}]})])) == []  # of another ranker
