"""Moving one closed partition to the cold tier: written, read back against the log, and only then dropped.

Each step may be the last before a crash. Files are written beside their place and renamed; the drop, the act that
records it and the row that says where the files are come in one transaction of the database. Whatever came before is
done again, under the same names, and what comes after (the Iceberg tables) follows from the rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Final

import pyarrow as pa
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from compliance.audit.cold import check, hot_rows, iceberg, parquet
from compliance.audit.cold.hot_rows import Slice
from compliance.audit.cold.partitions import HOT, Partition, partitions
from compliance.audit.cold.schema import BLOBS, RECORDS, ROWS_IN_GROUP, TABLES
from compliance.audit.cold.store import ColdStore, name_of
from compliance.audit.events import SERVE, note
from compliance.audit.heads import LogPlace
from compliance.audit.keys.orders import order
from compliance.audit.log.note import Checkpoint
from compliance.audit.models import ColdMonth
from compliance.audit.retention.classes import classes
from compliance.audit.retention.cover import refuse_held

GROUPS_IN_FILE: Final = 128
"""2,097,152 rows: some 600 MB of records."""
LOCK_WAIT: Final = "500ms"
"""How long the door may be kept waiting for a partition to be taken off its table."""
ATTEMPTS: Final = 20

Told = Callable[[str], None]


class NotMoved(Exception):
    """A partition stays where it is; the sentence says why."""


@dataclass(frozen=True, kw_only=True)
class _Exported:
    part: Slice
    files: list[dict[str, Any]]
    found: check.Found


def move(
    partition: Partition,
    *,
    place: LogPlace,
    store: ColdStore,
    by: str,
    why: str,
    approved_by: str = "",
    told: Told = lambda step: None,
    rows_in_file: int = GROUPS_IN_FILE * ROWS_IN_GROUP,
) -> None:
    """Export a closed partition, verify the files against the log, drop it, and put all that on record.

    `why` is short and nothing personal; `order` says who may order. `told` hears of each step as it ends. Raises
    Held, NotMoved, NotVerified, ColdDamaged, OrderRefused, OSError: the partition is there as before.
    """
    ordered = order(by=by, approved_by=approved_by, why=why)
    _refuse_open(partition)
    parts = hot_rows.slices(partition, lambda kind: classes().of(kind).name, SERVE)
    _refuse_twice(partition, parts)
    exported = []
    for part in parts:
        files = _written(part, store, rows_in_file)
        told("written")
        found = check.read_back(part, [store.local(each["name"], each["sha256"]) for each in files])
        for each in files:
            store.holds(each["name"], each["sha256"])
        told("read back")
        exported.append(_Exported(part=part, files=files, found=found))
    head = check.signed(place, [each.found for each in exported])
    told("verified")
    _drop(partition, exported, head, ordered, told)
    told("dropped")
    list_files(store)
    told("listed")


def list_files(store: ColdStore) -> None:
    """Make the Iceberg tables list what is in the cold tier: nothing to do where they already do."""
    for table in map(TABLES.__getitem__, HOT):
        months = ColdMonth.objects.filter(table=table.name, expired_at=None)
        iceberg.sync(store, table, [each["name"] for month in months for each in month.files])


def _refuse_open(partition: Partition) -> None:
    """A partition is moved when nothing more can come into it, and everything in it has its leaf."""
    if partition.end is None or partition.end >= timezone.now().date():
        raise NotMoved(f"{partition} is not over: rows still come. Ask again after its end and a day.")
    if partition.table is BLOBS:
        if any(each.covers(partition.period) for each in partitions(RECORDS)):
            raise NotMoved(f"{partition} stays: the records that need them are still in the database.")
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT count(*) FROM "{partition.name}" r '  # noqa: S608 - a name of PostgreSQL's own catalogue
            "WHERE NOT EXISTS (SELECT FROM audit_logentry e WHERE e.event_id = r.id)"
        )
        waiting: int = cursor.fetchone()[0]
    if waiting:
        raise NotMoved(
            f"{waiting} rows of {partition} are in no leaf of the log: wait for the sequencer, or run `manage.py "
            "audit verify`."
        )


def _refuse_twice(partition: Partition, parts: list[Slice]) -> None:
    there = ColdMonth.objects.filter(table=partition.table.name, period=partition.period)
    if month := there.filter(retention__in=[part.retention for part in parts]).first():
        raise NotMoved(
            f"{month} lies in the cold tier already, yet rows of it came again into {partition.name}: find out who "
            "made that partition; nothing is overwritten."
        )


def _written(part: Slice, store: ColdStore, rows_in_file: int) -> list[dict[str, Any]]:
    files: list[dict[str, Any]] = []
    table, batches = part.partition.table, part.batches()
    with store.writing() as scratch:
        while (some := _some(batches, max(1, rows_in_file // ROWS_IN_GROUP))) is not None:
            name = name_of(table.name, part.period, part.retention, len(files))
            written = parquet.write(scratch / "file", table, some)
            store.put(scratch / "file", name)
            files.append({"name": name, **asdict(written)})
    return files


def _some(batches: Iterator[pa.RecordBatch], groups: int) -> Iterator[pa.RecordBatch] | None:
    """The next file's batches, or None where there are no more."""
    first = next(batches, None)
    if first is None:
        return None

    def some() -> Iterator[pa.RecordBatch]:
        yield first
        yield from islice(batches, groups - 1)

    return some()


def _drop(
    partition: Partition, exported: list[_Exported], head: Checkpoint, ordered: dict[str, Any], told: Told
) -> None:
    for attempt in range(ATTEMPTS):
        try:
            with transaction.atomic():
                _drop_now(partition, exported, head, ordered)
                told("dropping")
        except OperationalError as error:
            if attempt + 1 == ATTEMPTS:
                raise NotMoved(
                    f"{partition.name} could not be locked for {LOCK_WAIT} in {ATTEMPTS} attempts ({error}): "
                    "somebody reads it at length; try again later."
                ) from error
            time.sleep(0.5)
        else:
            return


def _drop_now(partition: Partition, exported: list[_Exported], head: Checkpoint, ordered: dict[str, Any]) -> None:
    """In a transaction: the partition goes, and the act and the rows that say so come."""
    now, parent = timezone.now(), HOT[partition.table.name]
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
        refuse_held(partition)  # one may have been placed while it was exported
        cursor.execute(f'LOCK TABLE "{partition.name}" IN ACCESS EXCLUSIVE MODE')
        rows = sum(each.found.rows for each in exported)
        if hot_rows.count(partition) != rows:
            raise NotMoved(f"Rows came into {partition} while it was exported: try again.")
        months = [_month(each) for each in exported]
        what = {
            **ordered,
            "table": partition.table.name,
            "period": partition.period.isoformat(),
            "start": None if partition.start is None else partition.start.isoformat(),
            "rows": rows,
            "log_size": head.size,
            "root": head.root.hex(),
            "classes_sha256": classes().sha256,
            "months": [{**month, "law": list(classes().by_name[month["retention"]].law)} for month in months],
        }
        event = note(kind="retention_drop", happened_at=now, what=what)
        for month in months:
            ColdMonth.objects.create(
                table=partition.table.name, period=partition.period, dropped_at=now, drop_event=event, **month
            )
        cursor.execute(f'ALTER TABLE "{parent}" DETACH PARTITION "{partition.name}"')
        cursor.execute(f'DROP TABLE "{partition.name}"')


def _month(exported: _Exported) -> dict[str, Any]:
    """What a `ColdMonth` and the act say alike: no moment and nobody, only what lies where."""
    found = exported.found
    return {
        "retention": exported.part.retention,
        "kinds": list(exported.part.kinds),
        "files": exported.files,
        "rows": found.rows,
        "manifest_sha256": found.manifest_sha256,
        "first_id": None if found.first_id is None else str(found.first_id),
        "last_id": None if found.last_id is None else str(found.last_id),
        "first_leaf": found.first_leaf,
        "last_leaf": found.last_leaf,
        "model_hashes": list(found.models),
        "dictionaries": list(found.dictionaries),
    }


def said_by(month: ColdMonth) -> dict[str, Any]:
    """The same of a row, to compare with the act."""
    return {
        "retention": month.retention,
        "kinds": month.kinds,
        "files": month.files,
        "rows": month.rows,
        "manifest_sha256": month.manifest_sha256,
        "first_id": None if month.first_id is None else str(month.first_id),
        "last_id": None if month.last_id is None else str(month.last_id),
        "first_leaf": month.first_leaf,
        "last_leaf": month.last_leaf,
        "model_hashes": month.model_hashes,
        "dictionaries": month.dictionaries,
    }
