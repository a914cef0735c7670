"""An altered or a missing file of the cold tier is refused in a sentence, to auditors and to people."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from compliance.audit.cold.store import ColdStore
from compliance.audit.heads import LogPlace
from compliance.audit.models import ColdMonth, ServeRecord
from host.dashboard.services import record_opening
from tests.compliance.cold.conftest import cold, month, place
from tests.compliance.cold.test_move import move_all
from tests.conftest import World
from tests.host.audit_api.conftest import is_refusal, key_for, read

__all__ = ["cold", "month", "place"]


def alter(path: Path) -> None:
    """Every record of the file now says that it was shown to a child."""
    table = pq.read_table(path)
    tier = pa.array(["child"] * table.num_rows, pa.string())
    pq.write_table(table.set_column(table.schema.get_field_index("tier"), pa.field("tier", pa.string()), tier), path)


@pytest.mark.parametrize("damage", [alter, Path.unlink])
def test_a_damaged_file_is_not_served(world: World, month: LogPlace, cold: ColdStore, damage: object) -> None:
    owner = world.subject("alex")
    record = ServeRecord.objects.filter(pseudonym=owner.pseudonym)[0].id
    key = key_for("inspector")
    move_all(month, cold)
    assert len(read(key, "records").json()["records"]) == 6
    assert callable(damage)
    damage(cold.home / ColdMonth.objects.get(table="records").files[0]["name"])
    for address in ("records", f"records/{record}"):
        refused = is_refusal(read(key, address), 503)
        assert "restore it from a backup" in refused["message"]
    assert not record_opening(subject=owner, item_id=1, serve_id=record)
