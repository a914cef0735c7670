"""What the cold tier's tables look like in Parquet, and how each column is encoded.

Rows lie sorted by person: one person's rows are then in one or two row groups of a file, which a subject access request
reads alone. By id the files would be 2 bytes a record smaller, and such a request five to ten times slower. What
fills a record is ciphertext and salt, which nothing compresses; the encodings are for the rest (docs/cold-tier.md has
the figures): `DELTA_BYTE_ARRAY` takes away what neighbours begin with alike (a month's UUIDv7 and the header of sealed
bytes), `DELTA_BINARY_PACKED` keeps differences of numbers, a dictionary keeps words once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

VERSION: Final = b"1"
ROWS_IN_GROUP: Final = 16_384
"""Small enough that reading one person reads little, large enough that dictionaries pay."""
LEVEL: Final = 3
"""Of zstd. Between 1 and 9 a file of sealed records changes by 0.2 %: there is little left to compress."""

PREFIXED: Final = "DELTA_BYTE_ARRAY"
DIFFERENCES: Final = "DELTA_BINARY_PACKED"
AS_IS: Final = "PLAIN"
WORDS: Final = "dictionary"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column: its Arrow type, how it is encoded, and whether every row has it."""

    name: str
    type: pa.DataType
    encoding: str
    required: bool = True


@dataclass(frozen=True, kw_only=True)
class ColdTable:
    """A table of the cold tier. `order` is what its rows are sorted by; `key` what one row is found by."""

    name: str
    columns: tuple[Column, ...]
    order: tuple[str, ...]
    key: str

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema, with the table's name and this layout's version in its metadata."""
        fields = [pa.field(each.name, each.type, nullable=not each.required) for each in self.columns]
        return pa.schema(fields, metadata={b"clerestory.table": self.name.encode(), b"clerestory.version": VERSION})

    @property
    def dictionaries(self) -> list[str]:
        """Columns that keep each value once."""
        return [each.name for each in self.columns if each.encoding == WORDS]

    @property
    def encodings(self) -> dict[str, str]:
        """Parquet's encoding of all other columns."""
        return {each.name: each.encoding for each in self.columns if each.encoding != WORDS}


_UUID: Final = pa.uuid()
_HASH: Final = pa.binary(32)
_MOMENT: Final = pa.timestamp("us", tz="UTC")

_COMMITTED: Final = (  # what a commitment is made of, and its place in the log
    Column(name="salt", type=_HASH, encoding=AS_IS),
    Column(name="body", type=pa.binary(), encoding=PREFIXED),
    Column(name="leaf", type=pa.int64(), encoding=DIFFERENCES),
    Column(name="place", type=pa.int32(), encoding=DIFFERENCES),
)
_KEPT: Final = (  # the two that files are told apart by
    Column(name="period", type=pa.date32(), encoding=WORDS),
    Column(name="retention", type=pa.string(), encoding=WORDS),
)


def _words(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name=name, type=pa.string(), encoding=WORDS) for name in names)


RECORDS: Final = ColdTable(
    name="records",
    columns=(
        Column(name="id", type=_UUID, encoding=PREFIXED),
        Column(name="pseudonym", type=_UUID, encoding=WORDS),
        Column(name="served_at", type=_MOMENT, encoding=DIFFERENCES),
        *_words("service", "surface", "feed_mode", "tier", "jurisdiction", "source"),
        Column(name="model_sha256", type=_HASH, encoding=WORDS, required=False),
        *_COMMITTED,
        *_KEPT,
    ),
    order=("pseudonym", "id"),
    key="id",
)
"""Serve records (DESIGN §4). `body` is as it was committed to: ciphertext under the person's key."""

ACTS: Final = ColdTable(
    name="acts",
    columns=(
        Column(name="id", type=_UUID, encoding=PREFIXED),
        *_words("kind"),
        Column(name="happened_at", type=_MOMENT, encoding=DIFFERENCES),
        Column(name="pseudonym", type=_UUID, encoding=WORDS, required=False),
        *_COMMITTED,
        *_KEPT,
    ),
    order=("pseudonym", "id"),
    key="id",
)
"""Everything else that must be undeniable."""

BLOBS: Final = ColdTable(
    name="blobs",
    columns=(
        Column(name="address", type=_HASH, encoding=AS_IS),
        Column(name="pseudonym", type=_UUID, encoding=WORDS),
        Column(name="content", type=pa.binary(), encoding=PREFIXED),
        *_KEPT,
    ),
    order=("pseudonym", "address"),
    key="address",
)
"""Sealed snapshots and candidate lists, under the SHA-256 of their ciphertext."""

LOG: Final = ColdTable(
    name="log",
    columns=(
        Column(name="leaf", type=pa.int64(), encoding=DIFFERENCES),
        Column(name="place", type=pa.int32(), encoding=DIFFERENCES),
        Column(name="event_id", type=_UUID, encoding=PREFIXED),
        *_words("kind"),
        Column(name="digest", type=_HASH, encoding=AS_IS),
        Column(name="pseudonym", type=_UUID, encoding=WORDS, required=False),
        Column(name="body", type=pa.binary(), encoding=PREFIXED, required=False),
    ),
    order=("leaf", "place"),
    key="event_id",
)
"""Events in the log's own order, as streams hand them on. They are never dropped, so that months do not have them."""

TABLES: Final = {table.name: table for table in (RECORDS, ACTS, BLOBS, LOG)}
