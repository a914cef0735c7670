"""The Iceberg tables over the cold tier's files, for engines that read such tables: Spark, Trino, Flink, DuckDB.

Our own Parquet files are added as they are (`add_files`): nothing is rewritten, neither then nor for an erasure, which
destroys a person's key instead. The catalogue and its metadata follow from the list of files, so that this may be run
again after any crash, and into an empty folder.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from compliance.audit.cold.schema import TABLES, ColdTable
from compliance.audit.cold.store import ColdStore

if TYPE_CHECKING:  # it takes a second of processor time to load, and every process comes past here
    from pyiceberg.catalog import Catalog
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.table import Table
    from pyiceberg.typedef import Record

NAMESPACE: Final = "audit"
PARTED_BY: Final = ("period", "retention")
_EPOCH: Final = date(1970, 1, 1)


def sync(store: ColdStore, table: ColdTable, names: Iterable[str]) -> tuple[int, int]:
    """Make the Iceberg table list exactly these files of the store; return how many came and how many went."""
    wanted = {store.address(name) for name in names}
    catalogue = _catalogue(store)
    try:
        if not wanted and not catalogue.table_exists((NAMESPACE, table.name)):
            return 0, 0
        iceberg = _table(catalogue, table)
        there = {task.file.file_path: task.file.partition for task in iceberg.scan().plan_files()}
        for partition in {_of(there[path]) for path in there.keys() - wanted}:
            iceberg.delete(partition)
        left = {task.file.file_path for task in iceberg.scan().plan_files()}
        if new := sorted(wanted - left):
            iceberg.add_files(new)
        return len(new), len(there.keys() - wanted)
    finally:
        catalogue.close()


def files(store: ColdStore, table_name: str) -> list[str]:
    """The addresses of the files that the Iceberg table lists."""
    catalogue = _catalogue(store)
    try:
        iceberg = _table(catalogue, TABLES[table_name])
        return sorted(task.file.file_path for task in iceberg.scan().plan_files())
    finally:
        catalogue.close()


def _catalogue(store: ColdStore) -> SqlCatalog:
    from pyiceberg.catalog.sql import SqlCatalog

    store.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    return SqlCatalog("cold", uri=f"sqlite:///{store.catalogue.absolute()}", warehouse=store.address("iceberg"))


def _table(catalogue: Catalog, table: ColdTable) -> Table:
    catalogue.create_namespace_if_not_exists(NAMESPACE)
    name = (NAMESPACE, table.name)
    if catalogue.table_exists(name):
        return catalogue.load_table(name)
    # The schema of what is read, all columns optional: Parquet's own says which are required.
    made = catalogue.create_table(name, schema=_optional(table))
    with made.update_spec() as spec:
        for column in PARTED_BY:
            spec.add_identity(column)
    return made


def _optional(table: ColdTable) -> Any:
    import pyarrow as pa

    return pa.schema([pa.field(each.name, each.type) for each in table.columns])


def _of(partition: Record) -> str:
    """The rows of one partition, so that whole files go and none is rewritten."""
    period, retention = partition[0], partition[1]
    day = period if isinstance(period, date) else _EPOCH + timedelta(days=period)
    return f"period = '{day.isoformat()}' AND retention = '{retention}'"
