"""Counting where another process reads it: rounds, failures, the last verification's result."""

from __future__ import annotations

from typing import Final

from django.db import connection
from django.utils import timezone

_ADD: Final = """
INSERT INTO audit_logmeter (name, value, at) VALUES (%s, %s, %s)
ON CONFLICT (name) DO UPDATE SET value = audit_logmeter.value + EXCLUDED.value, at = EXCLUDED.at
"""
_PUT: Final = """
INSERT INTO audit_logmeter (name, value, at) VALUES (%s, %s, %s)
ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value, at = EXCLUDED.at
"""


def add(counted: dict[str, int]) -> None:
    """Add to counters."""
    _write(_ADD, counted)


def put(seen: dict[str, int]) -> None:
    """Note what was seen last."""
    _write(_PUT, seen)


def _write(statement: str, values: dict[str, int]) -> None:
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.executemany(statement, [(name, value, now) for name, value in sorted(values.items())])
