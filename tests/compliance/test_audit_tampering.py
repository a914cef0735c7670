"""Whatever is edited, deleted or swapped behind the platform's back, as superuser, is found and named."""
# ruff: noqa: S608 - statements are put together from the names of our own tables

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection
from django.utils import timezone

from compliance.audit.events import note
from compliance.audit.log.note import SigningKey
from compliance.audit.models import ServeRecord
from compliance.audit.sequencer import LogPlace, assign, publish
from compliance.audit.verify import verify
from tests.compliance.test_door import serve_on
from tests.conftest import World

BYTES = (
    ("audit_serverecord", "id", "body"),
    ("audit_serverecord", "id", "salt"),
    ("audit_auditevent", "id", "body"),
    ("audit_auditevent", "id", "salt"),
    ("audit_logentry", "event_id", "digest"),
    ("audit_logcheckpoint", "size", "root"),
    ("audit_blob", "sha256", "content"),
)


@pytest.fixture(name="place")
def _place(world: World, tmp_path: Path) -> LogPlace:
    """A log of a few slates and events, in two rounds."""
    key = SigningKey(name="log.example/test", private=Ed25519PrivateKey.generate())
    place = LogPlace(folder=tmp_path / "log", key=key, second=tmp_path / "second")
    for _ in range(2):
        for name in ("alex", "sam"):
            serve_on(world.subject(name))
        for number in range(3):
            note(kind="test", happened_at=timezone.now(), what={"number": number})
        assign(batch=2)
        publish(place)
    assert faults(place) == []
    return place


def faults(place: LogPlace) -> list[str]:
    """What verification says."""
    return list(verify(place, now=timezone.now() + timedelta(seconds=30)))


def sql(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run a statement as the database's owner."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


@pytest.mark.parametrize(("table", "key", "column"), BYTES)
def test_one_changed_bit_in_a_row_is_named(place: LogPlace, table: str, key: str, column: str) -> None:
    rng = random.Random(f"{table} {column}")  # noqa: S311 - which bit
    for _ in range(6):
        row, content = rng.choice(sql(f"SELECT {key}, {column} FROM {table} ORDER BY {key}"))
        changed = bytearray(content)
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        sql(f"UPDATE {table} SET {column} = %s WHERE {key} = %s", bytes(changed), row)
        found = faults(place)
        # A leaf that is no longer what was signed is named by its number; all others by what they are.
        name = "leaf" if table == "audit_logentry" else str(row)
        assert any(name in fault for fault in found), (row, found)
        sql(f"UPDATE {table} SET {column} = %s WHERE {key} = %s", bytes(content), row)
    assert faults(place) == []


@pytest.mark.parametrize("table", ["audit_serverecord", "audit_auditevent", "audit_logentry", "audit_blob"])
def test_a_deleted_row_is_named(place: LogPlace, table: str) -> None:
    key = {"audit_logentry": "event_id", "audit_blob": "sha256"}.get(table, "id")
    used = " WHERE sha256 IN (SELECT snapshot_sha256 FROM audit_serverecord)" if table == "audit_blob" else ""
    row = sql(f"SELECT {key} FROM {table}{used}")[0][0]
    sql(f"DELETE FROM {table} WHERE {key} = %s", row)
    assert any(str(row) in fault for fault in faults(place))


def test_swapped_bodies_and_swapped_leaves_are_named(place: LogPlace) -> None:
    (one, body_one), (two, body_two) = sql("SELECT id, body FROM audit_auditevent ORDER BY id LIMIT 2")
    sql("UPDATE audit_auditevent SET body = %s WHERE id = %s", bytes(body_two), one)
    sql("UPDATE audit_auditevent SET body = %s WHERE id = %s", bytes(body_one), two)
    found = "; ".join(faults(place))
    assert str(one) in found
    assert str(two) in found


def test_a_record_that_never_reached_the_log_is_named(place: LogPlace, world: World) -> None:
    serve_id = serve_on(world.subject("alex")).serve_id
    sql("DELETE FROM audit_logqueue WHERE id = %s", serve_id)
    assert any(str(serve_id) in fault and "its commitment was removed" in fault for fault in faults(place))


def test_a_record_added_behind_the_platforms_back_is_named(place: LogPlace) -> None:
    record = ServeRecord.objects.order_by("id").first()
    assert record is not None
    record.id = "01890a5d-ac96-774b-bcce-b302099a8057"
    record.save(force_insert=True)
    assert any("01890a5d-ac96-774b-bcce-b302099a8057" in fault for fault in faults(place))


def test_an_old_entry_that_still_waits_is_named(place: LogPlace) -> None:
    event = note(kind="test", happened_at=timezone.now(), what={})
    assert faults(place) == []
    late = list(verify(place, now=timezone.now() + timedelta(seconds=61)))
    assert any(str(event) in fault and "longer than promised" in fault for fault in late)


def _cut(path: Path, rng: random.Random) -> None:
    path.write_bytes(path.read_bytes()[: rng.randrange(path.stat().st_size)])


def _flip(path: Path, rng: random.Random) -> None:
    content = bytearray(path.read_bytes())
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


def _remove(path: Path, _: random.Random) -> None:
    path.unlink()


def _superseded(path: Path) -> bool:
    return path.parent.suffix == ".p" and any(int(other.name) > int(path.name) for other in path.parent.iterdir())


@pytest.mark.parametrize("harm", [_cut, _flip, _remove], ids=["cut", "flipped", "deleted"])
def test_every_harmed_file_of_the_log_is_named(
    place: LogPlace, harm: Callable[[Path, random.Random], None], tmp_path: Path
) -> None:
    rng = random.Random(1)  # noqa: S311 - which bit
    for path in sorted(file for file in tmp_path.rglob("*") if file.is_file()):
        if harm is _remove and _superseded(path):
            continue  # nobody needs a partial tile once a wider one is there (C2SP tlog-tiles)
        before = path.read_bytes()
        harm(path, rng)
        found = faults(place)
        name = path.name if path.name == "checkpoint" else str(path.relative_to(place.folder))
        assert any(name in fault for fault in found), (path, found)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(before)
    assert faults(place) == []


def test_a_checkpoint_that_is_a_moment_behind_is_no_fault_but_an_old_one_is(place: LogPlace) -> None:
    earlier = (place.folder / "checkpoint").read_bytes()
    event = note_again(place)
    (place.folder / "checkpoint").write_bytes(earlier)
    assert list(verify(place, now=timezone.now())) == []
    late = list(verify(place, now=timezone.now() + timedelta(seconds=30)))
    assert any("were signed since" in fault for fault in late), event


def note_again(place: LogPlace) -> str:
    """One more event under a newer checkpoint."""
    event = note(kind="test", happened_at=timezone.now(), what={})
    assign()
    publish(place)
    return str(event)
