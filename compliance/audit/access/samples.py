"""Samples of records that nobody could have arranged: drawn by the auditor's seed from what the log holds.

The population is every serve record with a leaf below `at`, the size of a signed checkpoint, whose id lies in the asked
range. A record's rank is the SHA-256 of the text SEED:ID; the sample is the `size` lowest ranks, in their order. As
leaves never change, the same seed, range and `at` give the same ids for ever, however many records come later; and as
the population is the log's, a record that was removed is still drawn, and missing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection

from compliance.audit.access.proofs import head, log
from compliance.audit.access.records import Filters, in_time
from compliance.audit.events import SERVE

_IN_RANGE = "kind = %(kind)s AND leaf < %(at)s AND event_id >= %(first)s AND event_id < %(last)s"
_COUNT = f"SELECT count(*) FROM audit_logentry WHERE {_IN_RANGE}"  # noqa: S608 - our own text
_DRAW = (
    f"SELECT event_id FROM audit_logentry WHERE {_IN_RANGE} "  # noqa: S608 - our own text
    "ORDER BY sha256(convert_to(%(seed)s || ':' || event_id::text, 'UTF8')), event_id LIMIT %(size)s"
)


class NoSuchSize(ValueError):
    """A sample was asked of a log that was never signed."""


def sample(*, seed: str, size: int, start: datetime | None, end: datetime | None, at: int | None) -> dict[str, Any]:
    """Draw a sample. `at`: leaves of the log, the newest signed size where None. Raises NoSuchSize, NotSigned,
    TooBroad.
    """
    last = head(log())
    signed = 0 if last is None else last[0].size
    if at is not None and at > signed:
        raise NoSuchSize(f"The log has {signed} signed leaves, not {at}. Ask for a sample `at` a checkpoint's size.")
    first_id, last_id = Filters(start=start, end=end).ids()
    asked: dict[str, Any] = {"kind": SERVE, "at": signed if at is None else at, "first": first_id, "last": last_id}
    with in_time(), connection.cursor() as cursor:
        cursor.execute(_COUNT, asked)
        (population,) = cursor.fetchone()
        cursor.execute(_DRAW, {**asked, "seed": seed, "size": size})
        ids = [str(row[0]) for row in cursor.fetchall()]
    return {
        "seed": seed,
        "at": asked["at"],
        "population": population,
        "ids": ids,
        "method": "the lowest SHA-256 of the text SEED:ID among serve records with a leaf below `at`",
    }
