"""Made months of the cold tier, without a database: ids, people and sealed bytes as they really look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID

import pyarrow as pa

from compliance.audit.cold.parquet import batch_of, write
from compliance.audit.cold.schema import RECORDS, ROWS_IN_GROUP
from compliance.audit.cold.store import ColdStore


@dataclass(kw_only=True)
class MadeRow:
    """One record as the cold tier has it."""

    id: UUID
    pseudonym: UUID
    served_at: datetime
    surface: str
    salt: bytes
    body: bytes
    leaf: int


@dataclass(kw_only=True)
class MadeMonth:
    """A month of records, sorted as the cold tier sorts them."""

    period: date
    rows: list[MadeRow]
    name: str = field(default="")

    def batches(self) -> Iterator[pa.RecordBatch]:
        """As a writer takes them."""
        for at in range(0, len(self.rows), ROWS_IN_GROUP):
            yield self._batch(self.rows[at : at + ROWS_IN_GROUP])

    def _batch(self, rows: list[MadeRow]) -> pa.RecordBatch:
        count = len(rows)
        return batch_of(
            RECORDS,
            {
                "id": [row.id.bytes for row in rows],
                "pseudonym": [row.pseudonym.bytes for row in rows],
                "served_at": [row.served_at for row in rows],
                "service": ["test"] * count,
                "surface": [row.surface for row in rows],
                "feed_mode": ["personalised"] * count,
                "tier": ["adult"] * count,
                "jurisdiction": ["EU"] * count,
                "source": [""] * count,
                "model_sha256": [b"m" * 32] * count,
                "salt": [row.salt for row in rows],
                "body": [row.body for row in rows],
                "leaf": [row.leaf for row in rows],
                "place": [0] * count,
                "period": [self.period] * count,
                "retention": ["serve_record"] * count,
            },
        )


def made_month(period: date, *, rows: int, people: int = 10, body_bytes: int = 200, seed: int = 1) -> MadeMonth:
    """A month of records of so many people."""
    rng = Random(f"{period} {seed}")  # noqa: S311 - made data
    who = [UUID(bytes=rng.randbytes(16), version=4) for _ in range(people)]
    start = datetime(period.year, period.month, period.day, tzinfo=UTC)
    found = []
    for leaf in range(rows):
        at = start + timedelta(milliseconds=2_400_000_000 * leaf // rows)
        stamp = int(at.timestamp() * 1000).to_bytes(6, "big")
        found.append(
            MadeRow(
                id=UUID(bytes=stamp + UUID(bytes=rng.randbytes(16), version=4).bytes[6:]),
                pseudonym=rng.choice(who),
                served_at=at,
                surface=rng.choice(["home", "search"]),
                salt=rng.randbytes(32),
                body=b"\x02\x00\x01" + rng.randbytes(body_bytes),
                leaf=leaf,
            )
        )
    found.sort(key=lambda row: (row.pseudonym.bytes, row.id.bytes))
    return MadeMonth(period=period, rows=found)


def stored(month: MadeMonth, store: ColdStore) -> Path:
    """Put a month into a store; its file."""
    month.name = f"records/{month.period:%Y-%m}/serve_record-0000.parquet"
    with store.writing() as scratch:
        written = write(scratch / "file", RECORDS, month.batches())
        store.put(scratch / "file", month.name)
    return store.local(month.name, written.sha256)
