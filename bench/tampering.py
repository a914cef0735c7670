"""One harm at a time, as superuser, to everything that the audit trail keeps; verification must name what was harmed.

Rows are harmed inside a savepoint, files are put back. A harm is found when a fault names the thing itself: a row by
its key (a leaf by its number, a subject's key by one of that person's records), a file by its path.
"""
# ruff: noqa: S608 - statements are put together from the names of our own tables

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from psycopg import sql

BIT, DELETED, SWAPPED, CUT = HARMS = ("one bit", "deleted", "swapped", "cut short")
Row = dict[str, Any]
Verifier = Callable[[], list[str]]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table that is evidence: its key, the columns that can be harmed, and how faults name a row of it."""

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    names: Callable[[Row], list[str]]


def _id(row: Row) -> list[str]:
    return [str(row["id"])]


TABLES: Final = (
    Table(
        name="audit_serverecord",
        key=("id",),
        columns=(
            *("id", "service", "source", "pseudonym", "served_at", "surface", "feed_mode"),
            *("tier", "jurisdiction", "model_sha256", "body", "salt"),
        ),
        names=_id,
    ),
    Table(
        name="audit_auditevent",
        key=("id",),
        columns=("id", "kind", "happened_at", "pseudonym", "body", "salt"),
        names=_id,
    ),
    Table(
        name="audit_sealedblob",
        key=("period", "address"),
        columns=("period", "address", "pseudonym", "content"),
        names=lambda row: [bytes(row["address"]).hex()],
    ),
    Table(name="audit_blob", key=("sha256",), columns=("sha256", "content"), names=lambda row: [row["sha256"]]),
    Table(
        name="audit_itemversion",
        key=("number",),
        columns=("number", "sha256", "content"),
        names=lambda row: [f"version {row['number']}"],
    ),
    Table(
        name="audit_logentry",
        key=("leaf", "place"),
        columns=("leaf", "place", "event_id", "kind", "digest"),
        names=lambda row: [
            str(row["event_id"]),
            f"leaf {row['leaf']} ",
            f"Leaf {row['leaf']} ",
            f"leaves {row['leaf']} ",
        ],
    ),
    Table(
        name="audit_logcheckpoint",
        key=("size",),
        columns=("size", "number", "root", "note"),
        names=lambda row: [
            f"checkpoint {row['size']}",
            f"{row['size']} leaves",
            f"{row['size']} were signed",
            f"follows on number {row['number'] - 1}",
        ],
    ),
    Table(
        name="audit_subjectkey",
        key=("pseudonym",),
        columns=("pseudonym", "wrapped", "kek"),
        names=lambda row: _records_of(row["pseudonym"]),
    ),
)
"""Not among the columns: `stored_at` and `made_at` of blobs, checkpoints and keys, which prove nothing.

Neither are tables of work that waits or is bookkeeping: what they hold is not evidence."""


@dataclass(kw_only=True)
class Tally:
    """Harms by what was harmed and how, and those that no fault named."""

    tried: Counter[tuple[str, str]] = field(default_factory=Counter)
    named: Counter[tuple[str, str]] = field(default_factory=Counter)
    unnamed: list[str] = field(default_factory=list)

    def add(self, what: str, how: str, told: str, names: list[str], faults: list[str]) -> None:
        """Count one harm and what verification said of it."""
        self.tried[what, how] += 1
        if any(name in fault for name in names for fault in faults):
            self.named[what, how] += 1
        else:
            self.unnamed.append(f"{what}, {how}: {told}: {faults[:2]}")

    def rows(self) -> list[list[str]]:
        """One line for each kind of thing: how many harms of each kind were named."""
        kinds = sorted({what for what, _ in self.tried})
        return [[what, *(f"{self.named[what, how]} of {self.tried[what, how]}" for how in HARMS)] for what in kinds]


def tamper(times: int, *, files: dict[str, list[Path]], verified: Verifier, rng: random.Random) -> Tally:
    """So many harms, half of them to rows and half to `files` (by what they are). In a transaction only."""
    tally = Tally()
    while tally.tried.total() < times:
        if rng.random() < 0.5:
            harm_a_file(tally, files, verified, rng)
        else:
            harm_a_row(tally, verified, rng)
    return tally


def harm_a_row(tally: Tally, verified: Verifier, rng: random.Random) -> None:
    """One row of one table, or two where they are swapped; nothing where the database refuses it."""
    table, how = rng.choice(TABLES), rng.choice(HARMS)
    rows = _rows(table)
    row = rng.choice(rows)
    names = table.names(row)
    with contextlib.suppress(IntegrityError), _undone():
        told = _ROW_HARMS[how](table, row, rows, rng)
        if told:
            tally.add(table.name, how, told, names, verified())


def harm_a_file(tally: Tally, files: dict[str, list[Path]], verified: Verifier, rng: random.Random) -> None:
    """One file, put back afterwards."""
    what = rng.choice(sorted(files))
    path, how = rng.choice(files[what]), rng.choice(HARMS)
    whole = path.read_bytes()
    others = [each for each in files[what] if each.read_bytes() != whole]
    if how == SWAPPED and not others:
        how = CUT
    if how == BIT:
        path.write_bytes(_flipped(whole, rng))
    elif how == DELETED:
        path.unlink()
    elif how == SWAPPED:
        path.write_bytes(rng.choice(others).read_bytes())
    else:
        path.write_bytes(whole[: rng.randrange(len(whole))])
    name = "/".join(path.parts[-2:]) if what == "model files" else str(path)
    relative = path.as_posix().partition("/tile/")[2]
    tally.add(what, how, str(path), [f"tile/{relative}" if relative else name], verified())
    path.write_bytes(whole)


def needed_files(folder: Path) -> list[Path]:
    """The files of a log without those that a wider one has made superfluous (C2SP tlog-tiles lets them go)."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(path for path in found if not _superfluous(path))


def _superfluous(path: Path) -> bool:
    return path.parent.suffix == ".p" and any(int(other.name) > int(path.name) for other in path.parent.iterdir())


def _bit(table: Table, row: Row, _: list[Row], rng: random.Random) -> str:
    column = rng.choice([name for name in table.columns if row[name] not in (None, "", b"")])
    changed = _changed(row[column], rng)
    return _updated(table, row, {column: changed})


def _deleted(table: Table, row: Row, _: list[Row], __: random.Random) -> str:
    where, values = _where(table, row)
    _run(sql.SQL("DELETE FROM {} WHERE {}").format(sql.Identifier(table.name), where), values)
    return f"{_spelt(table, row)} deleted"


def _swapped(table: Table, row: Row, rows: list[Row], rng: random.Random) -> str:
    """All but their keys exchanged between two rows; rows that would be as before are not."""
    columns = [name for name in table.columns if name not in table.key and name not in ("number", "event_id")]
    unlike = [other for other in rows if any(other[name] != row[name] for name in columns)]
    if not unlike:
        return ""
    other = rng.choice(unlike)
    if table.name in ("audit_blob", "audit_itemversion"):
        columns = ["content"]
    _updated(table, other, {name: row[name] for name in columns})
    return _updated(table, row, {name: other[name] for name in columns})


def _cut(table: Table, row: Row, _: list[Row], rng: random.Random) -> str:
    columns = [name for name in table.columns if isinstance(row[name], bytes | str) and row[name]]
    if not (columns := [name for name in columns if name not in ("digest", "sha256", "address")]):
        return ""
    column = rng.choice(columns)
    return _updated(table, row, {column: row[column][: rng.randrange(len(row[column]))]})


_ROW_HARMS: Final = {BIT: _bit, DELETED: _deleted, SWAPPED: _swapped, CUT: _cut}


def _changed(value: Any, rng: random.Random) -> Any:
    """A value with one bit changed, or the least change that its type has."""
    if isinstance(value, bytes):
        return _flipped(value, rng)
    if isinstance(value, str):
        place = rng.randrange(len(value))
        return value[:place] + chr(ord(value[place]) ^ 1) + value[place + 1 :]
    if isinstance(value, UUID):
        return UUID(int=value.int ^ (1 << rng.randrange(80)))
    if isinstance(value, datetime):
        return value + timedelta(microseconds=1 << rng.randrange(40))
    if isinstance(value, date):
        return value.replace(year=value.year - 1)
    return value ^ (1 << rng.randrange(20))


def _flipped(content: bytes, rng: random.Random) -> bytes:
    changed = bytearray(content)
    changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _updated(table: Table, row: Row, changes: Row) -> str:
    """Change a row, whatever stands in the way: a superuser drops a constraint as well."""
    where, values = _where(table, row)
    settings = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in changes)
    statement = sql.SQL("UPDATE {} SET {} WHERE {}").format(sql.Identifier(table.name), settings, where)
    _run(statement, [*changes.values(), *values])
    return f"{_spelt(table, row)}: {', '.join(changes)}"


def _where(table: Table, row: Row) -> tuple[sql.Composed, list[Any]]:
    parts = [sql.SQL("{} = %s").format(sql.Identifier(name)) for name in table.key]
    return sql.SQL(" AND ").join(parts), [row[name] for name in table.key]


def _spelt(table: Table, row: Row) -> str:
    return ", ".join(f"{name} {row[name]!s:.40}" for name in table.key)


def _run(statement: sql.Composed, values: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def _rows(table: Table) -> list[Row]:
    """All rows, their bytes as bytes."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(table.columns)} FROM {table.name} ORDER BY {', '.join(table.key)}")
        rows = cursor.fetchall()
    return [
        {
            name: bytes(value) if isinstance(value, memoryview) else value
            for name, value in zip(table.columns, row, strict=True)
        }
        for row in rows
    ]


def _records_of(pseudonym: UUID) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id::text FROM audit_serverecord WHERE pseudonym = %s "
            "UNION ALL SELECT id::text FROM audit_auditevent WHERE pseudonym = %s",
            [pseudonym, pseudonym],
        )
        return [name for (name,) in cursor.fetchall()]


@contextmanager
def _undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
