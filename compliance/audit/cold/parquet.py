"""Writing and reading one Parquet file of the cold tier. No Django here: rows in, bytes and a hash out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from compliance.audit.cold.errors import ColdDamaged
from compliance.audit.cold.schema import LEVEL, ROWS_IN_GROUP, ColdTable


@dataclass(frozen=True, kw_only=True)
class Written:
    """A file as it came onto the disk."""

    rows: int
    size: int
    sha256: str


def batch_of(table: ColdTable, columns: Mapping[str, Sequence[Any]]) -> pa.RecordBatch:
    """One batch from Python values by column. UUIDs are 16 bytes, moments aware datetimes. Raises KeyError."""
    return pa.record_batch([_array(columns[each.name], each.type) for each in table.columns], schema=table.schema)


def write(path: Path, table: ColdTable, batches: Iterable[pa.RecordBatch]) -> Written:
    """Write sorted batches, each a row group, and force the file to the disk. Raises OSError.

    The order is the caller's to keep (`table.order`); the file says that it is sorted. Give it `ROWS_IN_GROUP` rows a
    batch.
    """
    rows = 0
    schema = table.schema
    order = pq.SortingColumn.from_ordering(schema, [(name, "ascending") for name in table.order])
    with pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=LEVEL,
        use_dictionary=table.dictionaries,
        column_encoding=table.encodings,
        sorting_columns=order,
        write_page_index=True,
        version="2.6",
    ) as writer:
        for batch in batches:
            writer.write_batch(batch, row_group_size=ROWS_IN_GROUP)
            rows += batch.num_rows
    return Written(rows=rows, size=path.stat().st_size, sha256=synced_hash(path))


def synced_hash(path: Path) -> str:
    """SHA-256 of a file's bytes in hexadecimal, once they are on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()


def read(path: Path, table: ColdTable, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """A file's batches in its own order. Raises ColdDamaged where it is gone or is no file of this table."""
    try:
        with pq.ParquetFile(path) as file:
            if not file.schema_arrow.equals(table.schema, check_metadata=False):
                raise ColdDamaged(f"{path} has other columns than {table.name} have: restore it from a backup.")
            yield from file.iter_batches(batch_size=ROWS_IN_GROUP, columns=columns)
    except (OSError, pa.ArrowException) as error:
        raise ColdDamaged(f"{path} cannot be read ({error}): restore it from a backup.") from error


def values(batch: pa.RecordBatch, name: str) -> list[Any]:
    """A column as Python values; UUIDs as their 16 bytes, which is what they are hashed as."""
    column = batch.column(name)
    return list((column.storage if isinstance(column, pa.ExtensionArray) else column).to_pylist())


def _array(given: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if isinstance(kind, pa.UuidType):
        return pa.ExtensionArray.from_storage(kind, pa.array(given, kind.storage_type))
    return pa.array(given, kind)
