"""A legal hold keeps what it covers, whenever it is placed and wherever that lies."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connections

from compliance.audit.cold import check
from compliance.audit.cold.move import move
from compliance.audit.cold.schema import RECORDS
from compliance.audit.cold.store import ColdStore
from compliance.audit.heads import LogPlace
from compliance.audit.log.note import Checkpoint
from compliance.audit.models import ColdMonth, LegalHold
from compliance.audit.retention.cover import Held, covered
from compliance.audit.retention.holds import HOLDS, keep_holds, place_hold
from compliance.audit.retention.services import retain
from tests.compliance.cold.aged import SUMMER, id_at
from tests.compliance.cold.conftest import cold, month, place
from tests.compliance.cold.test_move import move_all, summer

__all__ = ["cold", "month", "place"]

TWO: dict[str, Any] = {"by": "ada", "approved_by": "bob", "why": "case 7"}


def test_a_hold_placed_while_months_are_deleted_keeps_the_rest(month: LogPlace, cold: ColdStore) -> None:
    move_all(month, cold)
    going = retain(today=date(2027, 9, 5), place=month, store=cold, **TWO)
    first, wrong = next(going)
    assert (first.act, wrong) == ("delete", "")
    place_hold(**TWO)
    rest = [wrong for step, wrong in going if step.period == SUMMER]  # other months are really not over
    assert rest
    assert all("a legal hold placed by ada" in wrong for wrong in rest)
    assert ColdMonth.objects.exclude(expired_at=None).count() == 1


def test_a_hold_placed_while_a_month_is_exported_keeps_it(
    month: LogPlace, cold: ColdStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = check.signed

    def while_a_hold_is_placed(place: LogPlace, found: list[check.Found]) -> Checkpoint:
        place_hold(**TWO, service="test")
        return honest(place, found)

    monkeypatch.setattr("compliance.audit.cold.move.check.signed", while_a_hold_is_placed)
    with pytest.raises(Held, match="records of 2026-07 is kept: a legal hold placed by ada"):
        move(summer(RECORDS), place=month, store=cold, **TWO)
    assert summer(RECORDS).size
    assert not ColdMonth.objects.exists()


@pytest.mark.django_db
def test_whoever_deletes_lets_no_hold_be_placed_meanwhile() -> None:
    keep_holds()
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [HOLDS])
            assert cursor.fetchone() == (False,)
    finally:
        other.close()


def cold_month(table: str, **values: Any) -> ColdMonth:
    """A month as a row has it, with rows of a whole year where it has ids."""
    return ColdMonth(table=table, period=date(2026, 11, 1), retention="serve_record", files=[], **values)


@pytest.mark.parametrize(
    ("since", "until", "held"),
    [
        (date(2025, 6, 1), date(2026, 2, 1), True),  # of its earlier months, not of the one that it is filed under
        (date(2024, 6, 1), date(2025, 6, 3), True),
        (date(2024, 6, 1), date(2025, 6, 1), False),
        (date(2026, 11, 30), None, True),
        (date(2026, 12, 1), None, False),
    ],
)
def test_a_hold_covers_all_that_was_recorded_before_there_were_monthly_partitions(
    since: date, until: date | None, held: bool
) -> None:
    first, last = id_at(datetime(2025, 6, 2, tzinfo=UTC)), id_at(datetime(2026, 11, 30, 23, tzinfo=UTC))
    hold = LegalHold(since=since, until=until, placed_at=datetime(2026, 12, 1, tzinfo=UTC), **TWO)
    assert bool(covered([hold], cold_month("records", first_id=first, last_id=last))) is held


def test_blobs_begin_where_the_act_of_their_drop_says(month: LogPlace, cold: ColdStore) -> None:
    move_all(month, cold)
    blobs = ColdMonth.objects.get(table="blobs")
    before = LegalHold(until=SUMMER, placed_at=datetime(2026, 12, 1, tzinfo=UTC), **TWO)
    assert not covered([before], blobs)
    blobs.drop_event = id_at(datetime(2026, 7, 1, tzinfo=UTC))  # on record nowhere: nobody knows where they begin
    assert covered([before], blobs)
