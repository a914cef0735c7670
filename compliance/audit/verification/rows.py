"""Rows of records and events in the order of their ids, each with its leaf: read once, some thousands at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg
from django.db import connection

AT_ONCE: Final = 10_000
FIRST, LAST = UUID(int=0), UUID(int=2**128 - 1)

_PAGE: Final = """
SELECT e.leaf, e.kind, e.digest, q.queued_at, r.*
FROM (SELECT {columns} FROM {table} WHERE id {beyond} %s AND id <= %s ORDER BY id LIMIT {at_once}) AS r
LEFT JOIN audit_logentry e ON e.event_id = r.id
LEFT JOIN audit_logqueue q ON q.id = r.id
ORDER BY r.id
"""


class Leaf(NamedTuple):
    """What the log has of a row: its leaf, kind and commitment, or None each, and since when it waits."""

    number: int | None
    kind: str | None
    digest: bytes | None
    waits_since: datetime | None


Row = tuple[Leaf, tuple[Any, ...]]


def pages(table: str, columns: Sequence[str], *, after: UUID = FIRST, until: UUID = LAST) -> Iterator[list[Row]]:
    """Rows of one of our tables, `columns` beginning with its id. In binary, so that bytes are not spelt out."""
    beyond = ">=" if after == FIRST else ">"  # no id but that of zeros is before all others
    named = {"table": table, "columns": ", ".join(columns), "at_once": AT_ONCE}
    while page := _page(_PAGE.format(**named, beyond=beyond), after, until):
        yield page
        after, beyond = page[-1][1][0], ">"


def _page(statement: str, after: UUID, until: UUID) -> list[Row]:
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(statement, [after, until], binary=True)
        return [(Leaf(*row[:4]), row[4:]) for row in cursor.fetchall()]
