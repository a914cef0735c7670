"""DuckDB, locked down: it reads the files that it is given, writes none, fetches nothing and runs only our own SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from compliance.audit.cold.errors import ColdDamaged, TooMuch

MEMORY: Final = "1GB"
"""What one query may hold. There is no folder to spill into: beyond this it fails, and writes nothing anywhere."""

_CLOSED: Final = (
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET allow_community_extensions = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",  # last: nothing of this can be taken back
)


@contextmanager
def reading(paths: Sequence[Path], *, threads: int = 1) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that can read these files and nothing else of this machine."""
    connection = duckdb.connect(config={"temp_directory": "", "memory_limit": MEMORY, "threads": str(threads)})
    try:
        connection.execute("SET allowed_paths = $paths", {"paths": [str(path) for path in paths]})
        for statement in _CLOSED:
            connection.execute(statement)
        yield connection
    finally:
        connection.close()


def rows(paths: Sequence[Path], statement: str, values: Mapping[str, Any], *, threads: int = 1) -> pa.Table:
    """What a statement of ours finds in the files, which it calls `read_parquet($paths)`.

    Values are bound, never put into the text. More `threads` pay where all rows are read. Raises ColdDamaged, TooMuch.
    """
    with reading(paths, threads=threads) as connection:
        bound = {"paths": [str(path) for path in paths], **values}
        try:
            return connection.sql(statement, params=bound).to_arrow_table()
        except duckdb.OutOfMemoryException as error:
            raise TooMuch(f"This query needs more than {MEMORY}: ask for fewer months or columns.") from error
        except (duckdb.IOException, duckdb.InvalidInputException) as error:
            raise ColdDamaged(f"A file of the cold tier cannot be read: {error}") from error
