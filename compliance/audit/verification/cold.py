"""What cold months hold, opened as hot rows are: it opens, says what its columns say, and lacks nothing that it needs.

That the files are those of the act, and that their rows are what the log commits to, is `cold/verification.py`'s.
A month's blobs and addresses are looked at before the next month is: memory holds one month.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final
from uuid import UUID

from compliance.audit.cold.errors import ColdDamaged
from compliance.audit.cold.parquet import read, values
from compliance.audit.cold.place import cold_store
from compliance.audit.cold.schema import ACTS, RECORDS, TABLES
from compliance.audit.models import AuditEvent, ColdMonth, ServeRecord
from compliance.audit.verification.blobs import linked, versions_of_items
from compliance.audit.verification.documents import Needed, columns_of, said_by_acts, said_by_records
from compliance.audit.verification.tally import Progress, Tally, silent

Faults = Iterator[str]
Page = list[tuple[Any, ...]]

_IDS: Final = ("id", "pseudonym")


def months() -> list[int]:
    """The cold months that hold records or acts, the oldest first. Ask once the hot rows were read: months move."""
    found = ColdMonth.objects.filter(table__in=[RECORDS.name, ACTS.name], expired_at=None).order_by("period", "pk")
    return list(found.values_list("pk", flat=True))


def contents(month_id: int, needed: Needed, tally: Tally, progress: Progress = silent) -> Faults:
    """Name every row of a cold month that does not open or says something else, and every blob that it lacks.

    What it needs that belongs to no month (packs, models, snapshots of before) is added to `needed`.
    """
    month = ColdMonth.objects.get(pk=month_id)
    own = Needed()
    if month.table == ACTS.name:
        for page in _pages(month, columns_of(AuditEvent)):
            yield from said_by_acts([AuditEvent(*values) for values in page])  # type: ignore[misc]  # in this order
            tally.acts += len(page)
            progress("other events", tally.acts)
        return
    for page in _pages(month, columns_of(ServeRecord)):
        yield from said_by_records([ServeRecord(*values) for values in page], own)  # type: ignore[misc]  # the same
        tally.records += len(page)
        progress("serve records", tally.records)
    yield from linked(own, versions_of_items()[0])
    needed.clear |= own.clear
    needed.models |= own.models
    for sha256 in month.model_hashes:
        needed.models.setdefault(sha256, str(month))


def _pages(month: ColdMonth, columns: Sequence[str]) -> Iterator[Page]:
    """A month's rows, `columns` in this order. Nothing of a damaged file, which is named where files are hashed."""
    store, table = cold_store(), TABLES[month.table]
    for each in month.files:
        try:
            store.holds(each["name"], each["sha256"])
            for batch in read(store.local(each["name"], each["sha256"]), table, columns):
                yield list(zip(*(_column(name, values(batch, name)) for name in columns), strict=True))
        except ColdDamaged:
            continue


def _column(name: str, found: list[Any]) -> list[Any]:
    return [None if each is None else UUID(bytes=each) for each in found] if name in _IDS else found
