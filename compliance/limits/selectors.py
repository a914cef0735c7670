"""Reads of served days."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import psycopg
from django.db import connection

from compliance.limits.usage import ServedDay
from compliance.subjects.models import Subject

REACH: Final = timedelta(days=3)
"""Stored days that ended longer ago cannot overlap today in any time zone."""
_DAYS: Final = """
SELECT begins, ends, served, last_served_at, session_served FROM limits_usageday
WHERE subject_id = %(subject)s AND last_served_at > %(since)s ORDER BY last_served_at
"""


def served_days(subject: Subject, now: datetime) -> tuple[ServedDay, ...]:
    """The stored days that may still count, the latest last."""
    connection.ensure_connection()
    # Read for every list of a person who has a limit: prepared, as their declarations are.
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(_DAYS, {"subject": subject.id, "since": now - REACH}, prepare=True)
        rows = cursor.fetchall()
    return tuple(
        ServedDay(begins=begins, ends=ends, served=served, last_served_at=last, session_served=session)
        for begins, ends, served, last, session in rows
    )
