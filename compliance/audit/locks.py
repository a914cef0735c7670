"""PostgreSQL's advisory locks of a session: what only one process, or so many, may do at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection


@contextmanager
def held(locks: Sequence[int], *, busy: Exception) -> Iterator[None]:
    """Hold the first of these locks that is free. Raises `busy` where others hold them all; waits for none.

    A lock is of the connection, not of a transaction: a pooler that shares connections out by transaction breaks it.
    """
    with connection.cursor() as cursor:
        for lock in locks:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [lock])
            if cursor.fetchone()[0]:
                break
        else:
            raise busy
    try:
        yield
    finally:
        if connection.connection is not None and not connection.connection.closed:  # else the lock went with it
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [lock])
