"""Questions that are answered by the cold tier's files in place: one person's rows, rows by id, counts by columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pyarrow as pa

from compliance.audit.cold import duck
from compliance.audit.cold.schema import ACTS, RECORDS, ColdTable

COUNTED_BY: Final = ("service", "surface", "feed_mode", "tier", "jurisdiction", "source", "model_sha256", "month")
"""Clear columns of records that counts may be asked by: of no person."""


class NotCounted(ValueError):
    """Counts were asked by something that nobody may count by, or that is not there."""


def of_person(paths: Sequence[Path], table: ColdTable, pseudonym: UUID) -> pa.Table:
    """Every row of one person, oldest first: subject access (GDPR Art. 15)."""
    statement = f"SELECT * FROM read_parquet($paths) WHERE pseudonym = $pseudonym ORDER BY {table.key}"  # noqa: S608 - our own column
    return _asked(paths, table, statement, {"pseudonym": pseudonym})


def of_kind(paths: Sequence[Path], kind: str) -> pa.Table:
    """Acts of a kind that are about nobody, newest first."""
    statement = "SELECT * FROM read_parquet($paths) WHERE kind = $kind AND pseudonym IS NULL ORDER BY id DESC"
    return _asked(paths, ACTS, statement, {"kind": kind})


def by_key(paths: Sequence[Path], table: ColdTable, keys: Sequence[UUID | bytes]) -> pa.Table:
    """The rows with these ids (of blobs: addresses), in no order. Fewer than asked for where some are not there."""
    if len(keys) == 1:  # equality lets row groups be skipped by their statistics
        statement = f"SELECT * FROM read_parquet($paths) WHERE {table.key} = $key"  # noqa: S608
        return _asked(paths, table, statement, {"key": keys[0]})
    kind = "UUID[]" if table.key == "id" else "BLOB[]"
    statement = f"SELECT * FROM read_parquet($paths) WHERE {table.key} IN (SELECT unnest($keys::{kind}))"  # noqa: S608
    return _asked(paths, table, statement, {"keys": list(keys)})


def between(
    paths: Sequence[Path], first: UUID, last: UUID, clear: Mapping[str, str | bytes], *, after: UUID | None, limit: int
) -> pa.Table:
    """Clear columns of records with ids in [first, last), behind `after`, in the order of ids. Raises NotCounted."""
    if strange := [name for name in clear if name not in COUNTED_BY]:
        raise NotCounted(f"Records are not looked for by {strange[0]!r}: ask by {', '.join(COUNTED_BY)}.")
    terms = "".join(f" AND {name} = ${name}" for name in clear)
    statement = (
        "SELECT * EXCLUDE (body, salt) FROM read_parquet($paths) WHERE id >= $first AND id < $last "  # noqa: S608
        f"AND ($after IS NULL OR id > $after){terms} ORDER BY id LIMIT $limit"
    )
    values = {"first": first, "last": last, "after": after, "limit": limit, **clear}
    return _asked(paths, RECORDS, statement, values)


def counts(
    paths: Sequence[Path], by: Sequence[str], *, since: datetime | None = None, until: datetime | None = None
) -> list[dict[str, Any]]:
    """How many records there are for each combination of clear columns, the most first: for regulators.

    Raises NotCounted.
    """
    if strange := [name for name in by if name not in COUNTED_BY]:
        raise NotCounted(f"Records are not counted by {strange[0]!r}: ask by {', '.join(COUNTED_BY)}.")
    if not by:
        raise NotCounted(f"Say what to count by: {', '.join(COUNTED_BY)}.")
    shown = ", ".join(
        {"month": "period AS month", "model_sha256": "hex(model_sha256) AS model_sha256"}.get(n, n) for n in by
    )
    statement = (
        f"SELECT {shown}, count(*) AS records FROM read_parquet($paths) "  # noqa: S608 - checked names
        "WHERE ($since IS NULL OR served_at >= $since) AND ($until IS NULL OR served_at < $until) "
        f"GROUP BY ALL ORDER BY records DESC, {', '.join(by)}"
    )
    if not paths:
        return []
    return list(duck.rows(paths, statement, {"since": since, "until": until}, threads=2).to_pylist())


def holds_person(paths: Sequence[Path], pseudonym: UUID) -> bool:
    """Whether any row is of this person."""
    if not paths:
        return False
    statement = "SELECT 1 FROM read_parquet($paths) WHERE pseudonym = $pseudonym LIMIT 1"
    return bool(duck.rows(paths, statement, {"pseudonym": pseudonym}).num_rows)


def _asked(paths: Sequence[Path], table: ColdTable, statement: str, values: dict[str, Any]) -> pa.Table:
    return duck.rows(paths, statement, values) if paths else table.schema.empty_table()
