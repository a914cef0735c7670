"""A closed month goes to the cold tier whole, checked against the log, on record, and by two people."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from compliance.audit.access.records import Filters, page
from compliance.audit.cold import check, iceberg, selectors
from compliance.audit.cold.check import NotVerified
from compliance.audit.cold.errors import ColdDamaged
from compliance.audit.cold.move import NotMoved, move
from compliance.audit.cold.partitions import Partition, partitions
from compliance.audit.cold.schema import ACTS, BLOBS, RECORDS, ColdTable
from compliance.audit.cold.store import ColdStore
from compliance.audit.cold.verification import ColdEvents
from compliance.audit.evidence import bundle_of, receipt_of
from compliance.audit.heads import LogPlace
from compliance.audit.keys.errors import OrderRefused
from compliance.audit.keys.services import erase
from compliance.audit.log.receipt import parse_receipt
from compliance.audit.models import AuditEvent, ColdMonth, LogEntry, SealedBlob, ServeRecord
from compliance.audit.selectors import act_anywhere, document_of, record_anywhere, record_of
from compliance.audit.sequencer import assign, publish
from compliance.audit.verification import verify
from compliance.serving.replay import Replayer
from tests.compliance.cold.aged import SUMMER
from tests.compliance.cold.conftest import KEY
from tests.compliance.test_door import serve_on
from tests.conftest import World

TWO: dict[str, Any] = {"by": "ada", "approved_by": "bob", "why": "end of its time in the database"}


def summer(table: ColdTable) -> Partition:
    """The month's partition."""
    return next(each for each in partitions(table) if each.period == SUMMER)


def faults(place: LogPlace) -> list[str]:
    """What verification says."""
    return list(verify(place, now=timezone.now() + timedelta(seconds=30)))


def move_all(place: LogPlace, cold: ColdStore) -> None:
    """The whole month, and the acts of that in the log."""
    for table in (RECORDS, ACTS, BLOBS):
        move(summer(table), place=place, store=cold, **TWO)
    assign()
    publish(place, KEY)


def stored() -> dict[UUID, tuple[bytes, ...]]:
    """Every committed byte, by id."""
    return {
        row.id: (bytes(row.body), bytes(row.salt))
        for rows in (ServeRecord.objects.all(), AuditEvent.objects.all())
        for row in rows
    }


def test_a_month_moves_whole_and_verifies_where_it_lies(month: LogPlace, cold: ColdStore) -> None:
    before, blobs = stored(), {bytes(blob.address): bytes(blob.content) for blob in SealedBlob.objects.all()}
    assert faults(month) == []
    move_all(month, cold)
    assert not any(each.period == SUMMER for table in (RECORDS, ACTS, BLOBS) for each in partitions(table))
    assert faults(month) == []
    for row_id, (body, salt) in before.items():
        kind = LogEntry.objects.get(event_id=row_id).kind
        row = record_anywhere(row_id) if kind == "serve" else act_anywhere(row_id)
        assert row is not None
        assert (bytes(row.body), bytes(row.salt)) == (body, salt)
    assert blobs
    assert {address: selectors.find_blob(address, period=SUMMER) for address in blobs} == blobs


def test_a_cold_record_opens_with_its_persons_key_and_goes_with_it(
    world: World, month: LogPlace, cold: ColdStore
) -> None:
    alex = world.subject("alex").pseudonym
    before = [document_of(row) for row in ServeRecord.objects.filter(pseudonym=alex).order_by("id")]
    columns = list(ServeRecord.objects.filter(pseudonym=alex).order_by("id").values())
    move_all(month, cold)
    found = list(selectors.records_of(alex))
    assert [document_of(row) for row in found] == before
    for row, expected in zip(found, columns, strict=True):
        named = {name: getattr(row, name) for name in expected}
        assert {name: bytes(v) if isinstance(v, memoryview) else v for name, v in expected.items()} == named
    files = {path: path.read_bytes() for path in cold.home.rglob("*.parquet")}
    erase(pseudonym=alex, by="subject", why="asked for")
    assert {path: path.read_bytes() for path in cold.home.rglob("*.parquet")} == files  # nothing is rewritten
    assign()
    publish(month, KEY)
    assert faults(month) == []


def test_the_drop_is_an_act_that_says_what_went_where_and_by_which_law(month: LogPlace, cold: ColdStore) -> None:
    leaves = LogEntry.objects.filter(kind="serve").order_by("leaf")
    move(summer(RECORDS), place=month, store=cold, **TWO)
    act = AuditEvent.objects.get(kind="retention_drop")
    said = json.loads(bytes(act.body))
    (kept,) = said["months"]
    assert (said["by"], said["approved_by"], said["table"], said["period"]) == ("ada", "bob", "records", "2026-07-01")
    assert (kept["first_leaf"], kept["last_leaf"]) == (leaves[0].leaf, leaves[len(leaves) - 1].leaf)
    assert said["rows"] == kept["rows"] == len(leaves)
    assert said["root"] == month.tiles.root(said["log_size"]).hex()
    assert "AI Act Art. 19(1)" in kept["law"][0]
    for each in kept["files"]:
        cold.holds(each["name"], each["sha256"])
    assert [f"file://{cold.folder}/{each['name']}" for each in kept["files"]] == iceberg.files(cold, "records")


def test_acts_lie_apart_by_class_so_that_each_can_go_in_its_time(month: LogPlace, cold: ColdStore) -> None:
    move(summer(ACTS), place=month, store=cold, **TWO)
    found = {each.retention: each.kinds for each in ColdMonth.objects.filter(table="acts")}
    assert found == {
        "risk_evidence": ["promotion"],
        "consent": ["consent"],
        "statement_of_reasons": ["statement"],
        "other": ["retention_test"],
    }


def test_large_months_fall_into_several_files(
    month: LogPlace, cold: ColdStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compliance.audit.cold.move.ROWS_IN_GROUP", 2)
    monkeypatch.setattr("compliance.audit.cold.hot_rows.ROWS_IN_GROUP", 2)
    move(summer(RECORDS), place=month, store=cold, rows_in_file=4, **TWO)
    held = ColdMonth.objects.get(table="records")
    assert [each["rows"] for each in held.files] == [4, 2]
    assign()
    publish(month, KEY)
    assert not [fault for fault in faults(month) if "gone" in fault]


@pytest.mark.parametrize("by", [{"by": "ada"}, {"by": "ada", "approved_by": "ada"}, {"by": "", "approved_by": "bob"}])
def test_one_person_drops_nothing(month: LogPlace, cold: ColdStore, by: dict[str, Any]) -> None:
    with pytest.raises(OrderRefused):
        move(summer(RECORDS), place=month, store=cold, why="to see", **by)
    assert summer(RECORDS).size
    assert not cold.home.exists()


def test_an_open_month_and_rows_without_leaves_stay(month: LogPlace, cold: ColdStore) -> None:
    (this, *_) = [each for each in partitions(RECORDS) if each.end and each.end > timezone.now().date()]
    with pytest.raises(NotMoved, match="is not over: rows still come"):
        move(this, place=month, store=cold, **TWO)
    LogEntry.objects.filter(event_id=ServeRecord.objects.filter(id__lt=_id_of(date(2026, 8, 1)))[0].id).delete()
    with pytest.raises(NotMoved, match="1 rows of records of 2026-07 are in no leaf"):
        move(summer(RECORDS), place=month, store=cold, **TWO)


def test_blobs_stay_for_as_long_as_their_records(month: LogPlace, cold: ColdStore) -> None:
    with pytest.raises(NotMoved, match="records that need them are still in the database"):
        move(summer(BLOBS), place=month, store=cold, **TWO)


@pytest.mark.parametrize("column", ["body", "salt"])
def test_a_changed_row_is_not_exported_as_if_nothing_were(month: LogPlace, cold: ColdStore, column: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {summer(RECORDS).name} SET {column} = set_byte({column}, 20, get_byte({column}, 20) # 1)"  # noqa: S608
        )
    with pytest.raises(NotVerified, match="is not in the files as the log commits to it"):
        move(summer(RECORDS), place=month, store=cold, **TWO)
    assert summer(RECORDS).size
    assert not ColdMonth.objects.exists()


def test_a_file_that_a_disk_changed_is_read_back_before_anything_goes(
    month: LogPlace, cold: ColdStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = check.read_back

    def after_a_bit_flipped(part: Any, files: list[Path]) -> check.Found:
        content = bytearray(files[0].read_bytes())
        content[len(content) // 3] ^= 4
        files[0].write_bytes(content)
        return honest(part, files)

    monkeypatch.setattr("compliance.audit.cold.move.check.read_back", after_a_bit_flipped)
    with pytest.raises((NotVerified, ColdDamaged)):
        move(summer(RECORDS), place=month, store=cold, **TWO)
    assert summer(RECORDS).size


def test_leaves_that_are_not_those_of_the_signed_tree_stop_it(month: LogPlace, cold: ColdStore) -> None:
    bundle = next(path for path in (month.folder / "tile" / "entries").rglob("*") if path.is_file())
    content = bytearray(bundle.read_bytes())
    content[10] ^= 1
    bundle.write_bytes(content)
    with pytest.raises(NotVerified, match=r"tiles are not what was signed|is not the one that was signed"):
        move(summer(RECORDS), place=month, store=cold, **TWO)
    assert summer(RECORDS).size


def test_what_comes_after_the_export_is_not_dropped(
    month: LogPlace, cold: ColdStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = check.signed

    def while_a_row_goes(place: LogPlace, found: list[check.Found]) -> Any:
        with connection.cursor() as cursor:
            name = summer(RECORDS).name
            cursor.execute(f"DELETE FROM {name} WHERE id = (SELECT id FROM {name} LIMIT 1)")  # noqa: S608
        return honest(place, found)

    monkeypatch.setattr("compliance.audit.cold.move.check.signed", while_a_row_goes)
    with pytest.raises(NotMoved, match="while it was exported"):
        move(summer(RECORDS), place=month, store=cold, **TWO)
    assert summer(RECORDS).size


def _id_of(day: date) -> str:
    from compliance.audit.storage.partitions import Month

    return str(Month.of(day).first_id)


def test_a_cold_record_replays_is_proved_and_is_its_owners_alone(
    world: World, month: LogPlace, cold: ColdStore
) -> None:
    alex, sam = world.subject("alex"), world.subject("sam")
    row = ServeRecord.objects.filter(pseudonym=alex.pseudonym).order_by("id")[0]
    hot = Replayer().replay(row)
    assert hot.differences == ()
    move_all(month, cold)
    cold_row = record_anywhere(row.id)
    assert cold_row is not None
    assert Replayer().replay(cold_row) == hot
    receipt = parse_receipt(receipt_of(month, row.id))
    assert receipt.index == LogEntry.objects.get(event_id=row.id).leaf
    assert bundle_of(month, row.id)
    assert record_of(subject=alex, serve_id=row.id)["id"] == str(row.id)
    with pytest.raises(ServeRecord.DoesNotExist):
        record_of(subject=sam, serve_id=row.id)


def test_auditors_page_through_hot_and_cold_records_alike(world: World, month: LogPlace, cold: ColdStore) -> None:
    serve_on(world.subject("alex"))  # of today
    assign()
    publish(month, KEY)
    kinds = (Filters(), Filters(surface="home", service="test"), Filters(surface="search"), Filters(model="0" * 64))
    before = [page(filters, after=None, limit=50) for filters in kinds]
    move_all(month, cold)
    assert [page(filters, after=None, limit=50) for filters in kinds] == before
    pages, after = [], None
    while found := page(Filters(), after=after, limit=2):
        pages += found
        after = UUID(found[-1]["id"])
    assert pages == before[0]
    assert len(pages) == 7


def test_a_month_that_moves_while_all_is_verified_is_not_called_lost(month: LogPlace, cold: ColdStore) -> None:
    asked = ColdEvents(cold)  # verification began
    move(summer(RECORDS), place=month, store=cold, **TWO)
    entries = list(LogEntry.objects.filter(kind="serve").order_by("leaf"))
    for entry in entries:
        assert list(asked.gone(entry.event_id, entry.leaf, "serve", bytes(entry.digest))) == []
    lost = list(asked.gone(UUID(int=entries[0].event_id.int + 1), 0, "serve", bytes(32)))
    assert ["is gone from the database" in fault for fault in lost] == [True]
    changed = list(asked.gone(entries[0].event_id, 0, "serve", bytes(32)))
    assert ["is not what was committed to" in fault for fault in changed] == [True]


@pytest.mark.parametrize("table", [RECORDS, ACTS, BLOBS])
def test_a_month_whose_row_and_files_were_removed_is_named(month: LogPlace, cold: ColdStore, table: ColdTable) -> None:
    move_all(month, cold)
    held = ColdMonth.objects.filter(table=table.name)[0]
    for each in held.files:
        (cold.home / each["name"]).unlink()
    held.delete()
    (named,) = [fault for fault in faults(month) if f"by the act {held.drop_event}" in fault]
    assert named.startswith(f"{held}, went to the cold tier")


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ("audit_blob", "its policy pack"),
        ("audit_itemversion", "of an item is missing"),
        ("audit_subjectkey", "is sealed with a key that is gone"),
    ],
)
def test_what_cold_records_need_is_missed_when_it_is_gone(
    month: LogPlace, cold: ColdStore, table: str, named: str
) -> None:
    move_all(month, cold)
    assert not ServeRecord.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table}")  # noqa: S608
    assert any(fault.startswith("serve record") and named in fault for fault in faults(month))


def test_the_models_of_cold_records_are_looked_at(
    month: LogPlace, cold: ColdStore, tmp_path: Path, settings: Any
) -> None:
    move_all(month, cold)
    settings.MODEL_REGISTRY = tmp_path / "nothing"
    assert any("manifest.json of its model cannot be read" in fault for fault in faults(month))


def test_a_record_that_is_cold_misses_its_blobs_where_they_are_still_hot(month: LogPlace, cold: ColdStore) -> None:
    for table in (RECORDS, ACTS):
        move(summer(table), place=month, store=cold, **TWO)
    assign()
    publish(month, KEY)
    assert faults(month) == []
    SealedBlob.objects.all().delete()
    assert any("its feature snapshot" in fault and "is missing" in fault for fault in faults(month))
