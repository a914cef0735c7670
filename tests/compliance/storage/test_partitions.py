"""Partitions are there before they are needed, and a row without one is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
import uuid_utils.compat as uuids
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from compliance.audit.models import AuditEvent
from compliance.audit.storage.partitions import BY_ID, Month, make_ahead, months_of


@given(st.integers(0, 7_000_000_000))
def test_a_months_ids_lie_between_its_bounds(seconds: int) -> None:
    moment = datetime.fromtimestamp(seconds, UTC)
    made = UUID(int=int(moment.timestamp() * 1000) << 80 | 0x7000_8000_0000_0000_0000)
    month = Month.of(moment)
    assert month.first_id <= made < month.plus(1).first_id
    assert Month.of_id(made) == month


def test_months_are_counted_over_the_years_end() -> None:
    assert Month(year=2026, month=12).plus(1) == Month(year=2027, month=1)
    assert Month(year=2026, month=1).plus(-1) == Month(year=2025, month=12)
    assert Month(year=2026, month=11).partition("audit_serverecord") == "audit_serverecord_2026_11"


@pytest.mark.django_db
def test_partitions_are_made_once() -> None:
    later = datetime(2040, 3, 31, 23, 59, tzinfo=UTC)
    made = make_ahead(now=later, months=2)
    assert {f"{table}_2040_0{month}" for table in BY_ID for month in (2, 3, 4, 5)} <= set(made)
    assert len(made) == 12
    assert make_ahead(now=later, months=2) == []
    assert Month(year=2040, month=5) in set(months_of("audit_serverecord"))


@pytest.mark.django_db
def test_a_year_is_there_from_the_start() -> None:
    assert make_ahead(now=timezone.now()) == []


@pytest.mark.django_db
def test_a_row_of_a_month_without_partition_is_refused() -> None:
    with pytest.raises(IntegrityError, match="no partition"), transaction.atomic():
        AuditEvent.objects.create(
            id=UUID(int=0x7FFF_FFFF_FFFF << 80), kind="test", happened_at=timezone.now(), body=b"{}", salt=bytes(32)
        )
    AuditEvent.objects.create(id=uuids.uuid7(), kind="test", happened_at=timezone.now(), body=b"{}", salt=bytes(32))


@pytest.mark.django_db
def test_attaching_a_partition_lets_others_write_meanwhile() -> None:
    make_ahead(now=datetime(2041, 1, 1, tzinfo=UTC), months=0)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT mode FROM pg_locks WHERE relation = 'audit_serverecord'::regclass AND pid = pg_backend_pid()"
        )
        modes = {mode for (mode,) in cursor.fetchall()}
    assert not modes & {"AccessExclusiveLock", "ExclusiveLock", "ShareRowExclusiveLock", "ShareLock"}


@pytest.mark.django_db
def test_the_command_makes_them_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("partitions")
    assert "All partitions are there already." in capsys.readouterr().out
    call_command("partitions", months=14)
    assert len(capsys.readouterr().out.split()) == 3
    with pytest.raises(CommandError, match="1 to 120"):
        call_command("partitions", months=0)
