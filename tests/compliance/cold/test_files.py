"""Files of the cold tier hold every byte, take little besides, and are found out when they change."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from compliance.audit.cold import iceberg
from compliance.audit.cold.errors import ColdDamaged
from compliance.audit.cold.parquet import read, synced_hash, values, write
from compliance.audit.cold.schema import ACTS, RECORDS
from compliance.audit.cold.store import WRITING, ColdStore
from tests.compliance.cold.made_months import made_month, stored

OVERHEAD = 30
"""Bytes a record besides its ciphertext and its salt, in a small file."""


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> ColdStore:
    return ColdStore(uri=str(tmp_path / "cold"), beside=tmp_path / "beside")


def test_every_byte_comes_back_in_order(store: ColdStore) -> None:
    month = made_month(date(2026, 9, 1), rows=20_000)
    path = stored(month, store)
    found = [
        row
        for batch in read(path, RECORDS)
        for row in zip(*(values(batch, name) for name in ("id", "pseudonym", "salt", "body", "leaf")), strict=True)
    ]
    assert found == [(row.id.bytes, row.pseudonym.bytes, row.salt, row.body, row.leaf) for row in month.rows]
    assert pq.ParquetFile(path).metadata.num_row_groups == 2


def test_a_record_takes_little_more_than_its_ciphertext_and_salt(store: ColdStore) -> None:
    path = stored(made_month(date(2026, 9, 1), rows=20_000, people=1_000), store)
    assert path.stat().st_size / 20_000 < 203 + 32 + OVERHEAD


def test_a_changed_bit_is_found_and_named(store: ColdStore) -> None:
    month = made_month(date(2026, 9, 1), rows=500)
    path = stored(month, store)
    sha256 = synced_hash(path)
    store.holds(month.name, sha256)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ColdDamaged, match=f"{month.name} does not have the bytes that were exported"):
        store.holds(month.name, sha256)
    path.unlink()
    with pytest.raises(ColdDamaged, match="is missing from the cold tier"):
        store.holds(month.name, sha256)


def test_a_file_is_not_read_with_other_bytes_even_where_its_date_was_put_back(store: ColdStore) -> None:
    month = made_month(date(2026, 9, 1), rows=50)
    path = stored(month, store)
    sha256, before = synced_hash(path), path.stat()
    content = path.read_bytes()
    assert store.local(month.name, sha256) == path
    path.write_bytes(content[:-1] + b"?")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(ColdDamaged, match="it was altered"):
        store.local(month.name, sha256)
    path.write_bytes(content)
    assert store.local(month.name, sha256) == path


def test_a_file_of_another_table_or_of_none_is_refused(store: ColdStore, tmp_path: Path) -> None:
    path = stored(made_month(date(2026, 9, 1), rows=10), store)
    with pytest.raises(ColdDamaged, match="other columns than acts have"):
        list(read(path, ACTS))
    (tmp_path / "no.parquet").write_bytes(b"PAR1 or so")
    with pytest.raises(ColdDamaged, match="cannot be read"):
        list(read(tmp_path / "no.parquet", RECORDS))


def test_nothing_is_left_half_written(store: ColdStore) -> None:
    def until_the_disk_is_full() -> Iterator[pa.RecordBatch]:
        yield from made_month(date(2026, 9, 1), rows=10).batches()
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"), store.writing() as scratch:
        write(scratch / "file", RECORDS, until_the_disk_is_full())
    assert list((store.home / WRITING).iterdir()) == []
    assert [path for path in store.home.rglob("*") if path.is_file()] == []


def test_iceberg_lists_what_is_there_again_and_again(store: ColdStore) -> None:
    months = [made_month(date(2026, number, 1), rows=50) for number in (7, 8, 9)]
    addresses = [f"file://{stored(month, store)}" for month in months]
    names = [month.name for month in months]
    assert iceberg.sync(store, RECORDS, names[:2]) == (2, 0)
    assert iceberg.sync(store, RECORDS, names[:2]) == (0, 0)
    assert iceberg.sync(store, RECORDS, names) == (1, 0)
    assert iceberg.files(store, "records") == addresses
    before = {path.name for path in (store.home / "records").rglob("*.parquet")}
    assert iceberg.sync(store, RECORDS, names[1:]) == (0, 1)
    assert iceberg.files(store, "records") == addresses[1:]
    assert {path.name for path in (store.home / "records").rglob("*.parquet")} == before  # nothing was rewritten
    store.catalogue.unlink()  # a lost catalogue is made anew
    assert iceberg.sync(store, RECORDS, names[1:]) == (2, 0)
    assert iceberg.files(store, "records") == addresses[1:]


def test_a_bucket_is_read_through_copies_that_are_hashed_as_they_come(tmp_path: Path) -> None:
    # What speaks S3 goes through the same file system interface of Arrow's as this, which is a folder by its URI.
    (tmp_path / "bucket" / "records" / "2026-09").mkdir(parents=True)
    store = ColdStore(uri=f"file://{tmp_path}/bucket", beside=tmp_path / "beside")
    assert store.folder is None
    month = made_month(date(2026, 9, 1), rows=100)
    month.name = "records/2026-09/serve_record-0000.parquet"
    with store.writing() as scratch:
        written = write(scratch / "file", RECORDS, month.batches())
        store.put(scratch / "file", month.name)
    store.holds(month.name, written.sha256)
    copy = store.local(month.name, written.sha256)
    assert copy.is_relative_to(tmp_path / "beside")
    assert sum(batch.num_rows for batch in read(copy, RECORDS)) == 100
    assert iceberg.sync(store, RECORDS, [month.name]) == (1, 0)
    copy.write_bytes(b"another's")
    assert synced_hash(store.local(month.name, written.sha256)) == written.sha256
    there = tmp_path / "bucket" / month.name
    there.write_bytes(there.read_bytes()[:-1] + b"?")
    with pytest.raises(ColdDamaged, match="was altered"):
        replace(store, beside=tmp_path / "elsewhere").local(month.name, written.sha256)
    with pytest.raises(ColdDamaged, match="does not have the bytes"):
        store.holds(month.name, written.sha256)
    assert store.remove(month.name, written.sha256)
    assert not copy.exists()
    assert not store.remove(month.name, written.sha256)
    with pytest.raises(ColdDamaged, match="cannot be read"):
        store.holds(month.name, written.sha256)
