"""A hot partition's rows in the cold tier's order, as batches for a Parquet file; and their leaves, in that order."""
# ruff: noqa: S608 - statements are put together from the names of our own tables and columns

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import psycopg
import pyarrow as pa
from django.db import connection, transaction

from compliance.audit.cold.parquet import batch_of
from compliance.audit.cold.partitions import Partition
from compliance.audit.cold.schema import ACTS, BLOBS, RECORDS, ROWS_IN_GROUP

_LOGGED: Final = "LEFT JOIN audit_logentry e ON e.event_id = r.id"

_COLUMNS: Final = {
    RECORDS.name: {
        "id": "uuid_send(r.id)",
        "pseudonym": "uuid_send(r.pseudonym)",
        **{
            name: f"r.{name}"
            for name in (
                *("served_at", "service", "surface", "feed_mode", "tier", "jurisdiction", "source", "model_sha256"),
                *("salt", "body"),
            )
        },
        "leaf": "e.leaf",
        "place": "e.place",
    },
    ACTS.name: {
        "id": "uuid_send(r.id)",
        "kind": "r.kind",
        "happened_at": "r.happened_at",
        "pseudonym": "uuid_send(r.pseudonym)",
        "salt": "r.salt",
        "body": "r.body",
        "leaf": "e.leaf",
        "place": "e.place",
    },
    BLOBS.name: {"address": "r.address", "pseudonym": "uuid_send(r.pseudonym)", "content": "r.content"},
}


@dataclass(frozen=True, kw_only=True)
class Slice:
    """The rows of a partition that lie together in the cold tier: those of one retention class."""

    partition: Partition
    retention: str
    kinds: tuple[str, ...]

    @property
    def period(self) -> date:
        """The month that it is filed under."""
        return self.partition.period

    @property
    def _where(self) -> str:
        return "WHERE r.kind = ANY(%(kinds)s)" if self.partition.table is ACTS else ""

    @property
    def _from(self) -> str:
        return f'FROM "{self.partition.name}" r'

    @property
    def _order(self) -> str:
        return "ORDER BY " + ", ".join(f"r.{name}" for name in self.partition.table.order)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, `ROWS_IN_GROUP` at a time, in the table's order. In a transaction: read as of its start."""
        table = self.partition.table
        columns = _COLUMNS[table.name]
        joined = "" if table is BLOBS else _LOGGED
        shown = ", ".join(f"{source} AS {name}" for name, source in columns.items())
        for rows in self._read(f"SELECT {shown} {self._from} {joined} {self._where} {self._order}"):
            values: dict[str, Sequence[Any]] = dict(zip(columns, zip(*rows, strict=True), strict=True))
            values |= {"period": [self.period] * len(rows), "retention": [self.retention] * len(rows)}
            yield batch_of(table, values)

    def logged(self) -> Iterator[list[tuple[Any, ...]]]:
        """What the log holds of the rows, in the same order: (id's 16 bytes, kind, digest, leaf, place)."""
        yield from self._read(
            f"SELECT uuid_send(e.event_id), e.kind, e.digest, e.leaf, e.place {self._from} "
            f"JOIN audit_logentry e ON e.event_id = r.id {self._where} {self._order}"
        )

    def addresses(self) -> Iterator[list[bytes]]:
        """Of blobs: their addresses, in the same order."""
        for rows in self._read(f"SELECT r.address {self._from} {self._order}"):
            yield [bytes(row[0]) for row in rows]

    def _read(self, statement: str) -> Iterator[list[tuple[Any, ...]]]:
        with _streamed() as cursor:
            cursor.execute(statement, {"kinds": list(self.kinds)})
            while rows := cursor.fetchmany(ROWS_IN_GROUP):
                yield rows


def count(partition: Partition) -> int:
    """How many rows a partition has."""
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT count(*) FROM "{partition.name}"')
        found: int = cursor.fetchone()[0]
    return found


def slices(partition: Partition, retention_of: Callable[[str], str], serve: str) -> list[Slice]:
    """How a partition falls into retention classes. `serve` is the kind of records and of what belongs to them."""
    if partition.table is not ACTS:
        return [Slice(partition=partition, retention=retention_of(serve), kinds=(serve,))] if count(partition) else []
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT DISTINCT kind FROM "{partition.name}" ORDER BY kind')
        kinds = [row[0] for row in cursor.fetchall()]
    by_class: dict[str, list[str]] = {}
    for kind in kinds:
        by_class.setdefault(retention_of(kind), []).append(kind)
    return [Slice(partition=partition, retention=name, kinds=tuple(held)) for name, held in sorted(by_class.items())]


@contextmanager
def _streamed() -> Iterator[psycopg.ServerCursor[Any]]:
    """A cursor on the server, in binary: a month does not fit into memory."""
    connection.ensure_connection()
    with (
        transaction.atomic(),
        connection.wrap_database_errors,
        psycopg.ServerCursor(connection.connection, "cold") as cursor,
    ):
        cursor.format = psycopg.pq.Format.BINARY
        yield cursor
