"""The cold tier answers in place, reads what it is asked for, and can do nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID, uuid4

import duckdb
import pytest

from compliance.audit.cold import duck, queries
from compliance.audit.cold.errors import ColdDamaged
from compliance.audit.cold.schema import RECORDS
from compliance.audit.cold.store import ColdStore
from tests.compliance.cold.made_months import MadeMonth, made_month, stored

Made = tuple[list[MadeMonth], list[Path]]


@pytest.fixture(name="made", scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("cold")
    store = ColdStore(uri=str(folder / "store"), beside=folder / "beside")
    months = [made_month(date(2026, number, 1), rows=800) for number in (8, 9)]
    return months, [stored(month, store) for month in months]


def test_one_persons_records_come_whole_and_in_order(made: Made) -> None:
    months, paths = made
    person = months[1].rows[100].pseudonym
    wanted = sorted(row.id for month in months for row in month.rows if row.pseudonym == person)
    found = queries.of_person(paths, RECORDS, person).to_pylist()
    assert [UUID(row["id"]) for row in found] == wanted
    assert len(wanted) > 10
    assert queries.of_person(paths, RECORDS, uuid4()).num_rows == 0
    assert queries.of_person([], RECORDS, person).num_rows == 0


def test_records_are_found_by_id_with_their_bytes(made: Made) -> None:
    months, paths = made
    rows = [months[0].rows[3], months[1].rows[700]]
    for wanted in ([rows[0]], rows):
        found = queries.by_key(paths, RECORDS, [row.id for row in wanted]).to_pylist()
        assert {(row["body"], row["salt"]) for row in found} == {(row.body, row.salt) for row in wanted}
    assert queries.by_key(paths, RECORDS, [uuid4()]).num_rows == 0


def test_regulators_count_by_clear_columns_only(made: Made) -> None:
    months, paths = made
    found = queries.counts(paths, ["surface", "month"])
    assert sum(row["records"] for row in found) == 1_600
    assert {row["month"] for row in found} == {month.period for month in months}
    september = queries.counts(paths, ["month"], since=datetime(2026, 9, 1, tzinfo=UTC))
    assert [(row["month"], row["records"]) for row in september] == [(date(2026, 9, 1), 800)]
    with pytest.raises(queries.NotCounted, match="not counted by 'pseudonym'"):
        queries.counts(paths, ["pseudonym"])
    with pytest.raises(queries.NotCounted, match="not counted by '1; DROP"):
        queries.counts(paths, ["1; DROP TABLE x"])
    with pytest.raises(queries.NotCounted, match="Say what to count by"):
        queries.counts(paths, [])


def test_a_person_is_seen_to_be_there_or_not(made: Made) -> None:
    months, paths = made
    assert queries.holds_person(paths, months[0].rows[0].pseudonym)
    assert not queries.holds_person(paths, uuid4())
    assert not queries.holds_person([], uuid4())


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_parquet('{other}')",
        "COPY (SELECT 1) TO '{folder}/written'",
        "ATTACH '{folder}/made.db'",
        "INSTALL httpfs",
        "SELECT * FROM read_parquet('https://example.com/x.parquet')",
        "SET enable_external_access = true",
        "SET memory_limit = '64GB'",
    ],
)
def test_nothing_else_is_read_written_or_fetched(made: Made, statement: str) -> None:
    _, (path, other) = made
    with (
        duck.reading([path]) as connection,
        pytest.raises((duckdb.PermissionException, duckdb.InvalidInputException)),
    ):
        connection.execute(statement.format(other=other, folder=path.parent))


def test_a_damaged_file_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    with pytest.raises(ColdDamaged, match="cannot be read"):
        queries.by_key([path], RECORDS, [uuid4()])
