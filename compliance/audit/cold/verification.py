"""Events whose rows are not in PostgreSQL any more: found in the cold tier, or past their retention by an act.

Every month in the cold tier is known by a row that must say what a signed act says, and by files whose hashes stand in
that act. A leaf whose event is in none of them was deleted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from compliance.audit.cold.errors import ColdDamaged
from compliance.audit.cold.move import said_by
from compliance.audit.cold.parquet import read, values
from compliance.audit.cold.schema import ACTS, RECORDS, TABLES
from compliance.audit.cold.store import ColdStore
from compliance.audit.events import SERVE
from compliance.audit.log.commitment import commit
from compliance.audit.models import ColdMonth
from compliance.audit.retention.holds import hold_faults
from compliance.audit.selectors import act_anywhere

Faults = Iterator[str]
_END: Final = b"\x01"
"""Behind each id: NumPy cuts zeros off the ends of bytes."""


@dataclass(kw_only=True)
class _Expired:
    """What an expired month's leaves hash to, as they go by in the log's order."""

    month: ColdMonth
    seen: int = 0
    hashed: Any = field(default_factory=hashlib.sha256)


@dataclass(frozen=True, kw_only=True)
class _Index:
    """A cold month's ids, sorted, and the commitments that its stored bytes make."""

    ids: NDArray[np.bytes_]  # (N,) of 16 bytes and `_END`
    digests: NDArray[np.uint8]  # (N, 32)


class ColdEvents:
    """What the cold tier knows of events: ask in the log's order, then ask for `rest`."""

    def __init__(self, store: ColdStore) -> None:
        self._store = store
        months = list(ColdMonth.objects.exclude(first_id=None).order_by("period"))
        self._cold = [month for month in months if month.expired_at is None]
        self._expired = [_Expired(month=month) for month in months if month.expired_at is not None]
        self._indexes: dict[int, _Index | str] = {}

    def gone(self, event_id: UUID, leaf: int, kind: str, expected: bytes) -> Faults:
        """Faults of an event that has no row in PostgreSQL."""
        what = f"event {event_id} of leaf {leaf}"
        fault = self._among(self._cold, what, event_id, kind, expected)
        if fault is None and self._went(event_id, kind, expected):
            return
        if fault is None:
            fault = self._among(self._moved_since(), what, event_id, kind, expected)
        if fault is None:
            yield f"{what} is gone from the database"
        elif fault:
            yield fault

    def _among(self, months: Iterable[ColdMonth], what: str, event_id: UUID, kind: str, expected: bytes) -> str | None:
        """What is wrong with an event of these months, "" where nothing is; None where none of them has it."""
        wanted = event_id.bytes + _END
        for month in months:
            if not _may_hold(month, event_id, kind):
                continue
            index = self._index(month)
            if isinstance(index, str):
                return f"{what} is in {month} of the cold tier, which cannot be read"
            at = int(np.searchsorted(index.ids, np.bytes_(wanted)))
            if at < len(index.ids) and index.ids[at] == wanted:
                same = index.digests[at].tobytes() == expected
                return "" if same else f"{what} is not what was committed to: its bytes in the cold tier were changed"
        return None

    def _went(self, event_id: UUID, kind: str, expected: bytes) -> bool:
        """Whether an expired month may have had it, which then has to add up."""
        for expired in self._expired:
            if _may_hold(expired.month, event_id, kind):
                expired.seen += 1
                expired.hashed.update(event_id.bytes + expected)
                return True
        return False

    def _moved_since(self) -> Iterable[ColdMonth]:
        """Months that left PostgreSQL since verification began."""
        known = [month.pk for month in self._cold] + [each.month.pk for each in self._expired]
        return ColdMonth.objects.exclude(pk__in=known).filter(expired_at=None, first_id__isnull=False)

    def rest(self) -> Faults:
        """Files that are missing or were altered, rows that no act bears out, and expired months that do not add up."""
        for month in ColdMonth.objects.order_by("period", "table"):
            yield from acts_say(month)
            if month.expired_at is None:
                yield from self._files(month)
        yield from hold_faults()
        for each in self._expired:
            if (each.seen, each.hashed.hexdigest()) != (each.month.rows, each.month.manifest_sha256):
                yield (
                    f"{each.month} was deleted at the end of its retention with {each.month.rows} events, but "
                    f"{each.seen} of the log's are gone with it, or others: not all of them were its own"
                )

    def _files(self, month: ColdMonth) -> Faults:
        for each in month.files:
            try:
                self._store.holds(each["name"], each["sha256"])
            except ColdDamaged as error:
                yield str(error)

    def _index(self, month: ColdMonth) -> _Index | str:
        if month.pk not in self._indexes:
            if len(self._indexes) > 1:  # the log is in the order of time, or nearly: two months are near each other
                self._indexes.pop(next(iter(self._indexes)))
            try:
                self._indexes[month.pk] = self._read(month)
            except ColdDamaged as error:
                self._indexes[month.pk] = str(error)
        return self._indexes[month.pk]

    def _read(self, month: ColdMonth) -> _Index:
        ids: list[bytes] = []
        digests: list[bytes] = []
        for each in month.files:
            path = self._store.local(each["name"], each["sha256"])
            for batch in read(path, TABLES[month.table], ["id", "salt", "body"]):
                rows = zip(*(values(batch, name) for name in ("id", "salt", "body")), strict=True)
                for event_id, salt, body in rows:
                    ids.append(event_id + _END)
                    digests.append(commit(UUID(bytes=event_id), salt, body))
        sortable = np.array(ids, "S17")
        order = np.argsort(sortable, kind="stable")
        hashed = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 32)
        return _Index(ids=sortable[order], digests=hashed[order])


def _may_hold(month: ColdMonth, event_id: UUID, kind: str) -> bool:
    table = RECORDS if kind == SERVE else ACTS
    within = month.first_id is not None and month.last_id is not None and month.first_id <= event_id <= month.last_id
    return within and month.table == table.name and kind in month.kinds


def acts_say(month: ColdMonth) -> Faults:
    """Whether the acts that a row names exist, and say of the month what the row says."""
    yield from _agrees(month, month.drop_event, "retention_drop", _drop_agrees)
    if month.expiry_event is not None:
        yield from _agrees(month, month.expiry_event, "retention_expiry", _expiry_agrees)


def _agrees(month: ColdMonth, event: UUID, kind: str, agrees: Callable[[ColdMonth, dict[str, Any]], bool]) -> Faults:
    try:
        act = act_anywhere(event)
        if act is None:
            yield f"{month} of the cold tier names the act {event}, which is on record nowhere"
            return
        said = json.loads(bytes(act.body))
        if act.kind != kind or not agrees(month, said):
            yield f"{month} of the cold tier is not what the act {event} says of it: its row was changed"
    except (ColdDamaged, ValueError, LookupError, TypeError) as error:
        yield f"{month} of the cold tier names the act {event}, which cannot be read: {error}"


def _drop_agrees(month: ColdMonth, said: dict[str, Any]) -> bool:
    mine = said_by(month)
    months = [{name: each[name] for name in mine} for each in said["months"]]
    return (said["table"], said["period"]) == (month.table, month.period.isoformat()) and mine in months


def _expiry_agrees(month: ColdMonth, said: dict[str, Any]) -> bool:
    mine = {"table": month.table, "period": month.period.isoformat(), **said_by(month)}
    return all(said[name] == value for name, value in mine.items())
