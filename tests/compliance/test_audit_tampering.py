"""Whatever is edited, deleted or swapped behind the platform's back, as superuser, is found and named."""
# ruff: noqa: S608 - statements are put together from the names of our own tables

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import uuid_utils.compat as uuids
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from bench.tampering import needed_files, tamper
from compliance.audit.events import note
from compliance.audit.heads import LogPlace
from compliance.audit.keys.orders import SUBJECT
from compliance.audit.keys.services import erase
from compliance.audit.log.note import Checkpoint, SigningKey, sign_note
from compliance.audit.models import AuditEvent, LogCheckpoint, ServeRecord
from compliance.audit.sequencer import assign, publish
from compliance.audit.verification import verify
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
    ("audit_sealedblob", "encode(address, 'hex')", "content"),
    ("audit_itemversion", "number", "content"),
    ("audit_itemversion", "number", "sha256"),
)

KEY = SigningKey(name="log.example/test", private=Ed25519PrivateKey.generate())


@pytest.fixture(name="place")
def _place(world: World, tmp_path: Path) -> LogPlace:
    """A log of a few slates and events, in two rounds."""
    (tmp_path / "second").mkdir()
    place = LogPlace(folder=tmp_path / "log", verifier=KEY.verifier(), second=tmp_path / "second")
    for _ in range(2):
        for name in ("alex", "sam"):
            serve_on(world.subject(name))
        for number in range(3):
            note(kind="test", happened_at=timezone.now(), what={"number": number})
        assign(batch=2)
        publish(place, KEY)
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


DELETED = {
    "audit_serverecord": "id",
    "audit_auditevent": "id",
    "audit_logentry": "event_id",
    "audit_blob": "sha256",
    "audit_sealedblob": "encode(address, 'hex')",
    "audit_itemversion": "number",
}


@pytest.mark.parametrize("table", DELETED)
def test_a_deleted_row_is_named(place: LogPlace, table: str) -> None:
    key = DELETED[table]
    for (row,) in sql(f"SELECT {key} FROM {table} ORDER BY 1 LIMIT 3"):
        with transaction.atomic():
            sql(f"DELETE FROM {table} WHERE {key} = %s", row)
            assert any(str(row) in fault for fault in faults(place))
            transaction.set_rollback(True)
    assert faults(place) == []


def test_a_key_that_went_without_an_erasure_is_named(place: LogPlace) -> None:
    record = ServeRecord.objects.order_by("id")[0]
    sql("DELETE FROM audit_subjectkey WHERE pseudonym = %s", record.pseudonym)
    assert any(f"serve record {record.id} is sealed with a key that is gone" in fault for fault in faults(place))


def test_a_planted_tombstone_does_not_hide_a_destroyed_key(place: LogPlace) -> None:
    record = ServeRecord.objects.order_by("id")[0]
    sql("DELETE FROM audit_subjectkey WHERE pseudonym = %s", record.pseudonym)
    sql("INSERT INTO audit_keytombstone VALUES (%s, now(), 'asked for')", record.pseudonym)
    assert [f"tombstone of {record.pseudonym} is borne out by no erasure" in fault for fault in faults(place)] == [True]


def test_a_tombstone_that_was_taken_away_is_named(place: LogPlace) -> None:
    record = ServeRecord.objects.order_by("id")[0]
    erase(pseudonym=record.pseudonym, by=SUBJECT, why="asked for")
    act = AuditEvent.objects.get(kind="erasure")
    sql("DELETE FROM audit_keytombstone")
    assert any(f"audit event {act.id} erased somebody whose tombstone is gone" in fault for fault in faults(place))


@pytest.mark.parametrize("change", ["erased_at = erased_at + interval '1 day'", "why = 'x'", "erased_at = 'infinity'"])
def test_a_tombstone_that_was_changed_is_named(place: LogPlace, change: str) -> None:
    record = ServeRecord.objects.order_by("id")[0]
    erase(pseudonym=record.pseudonym, by=SUBJECT, why="asked for")
    sql(f"UPDATE audit_keytombstone SET {change}")
    named = "cannot be read" if "infinity" in change else f"tombstone of {record.pseudonym} is not what the act"
    assert [named in fault for fault in faults(place)] == [True]


def test_an_erased_persons_records_still_verify(place: LogPlace) -> None:
    record = ServeRecord.objects.order_by("id")[0]
    erase(pseudonym=record.pseudonym, by=SUBJECT, why="asked for")
    assert faults(place) == []
    content = bytearray(record.body)
    content[-1] ^= 1
    ServeRecord.objects.filter(id=record.id).update(body=bytes(content))
    assert any(str(record.id) in fault for fault in faults(place))


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
    record.id = uuids.uuid7()
    record.save(force_insert=True)
    assert any(str(record.id) in fault for fault in faults(place))


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
    publish(place, KEY)
    return str(event)


COLUMNS = {
    "pseudonym": "00000000-0000-0000-0000-000000000009",
    "served_at": "2020-01-01T00:00:00Z",
    "tier": "zz",
    "surface": "zz",
    "feed_mode": "zz",
    "jurisdiction": "zz",
    "service": "zz",
    "source": "zz",
    "model_sha256": b"x" * 32,
}


@pytest.mark.parametrize("column", COLUMNS)
def test_a_changed_column_of_a_record_is_named(place: LogPlace, column: str) -> None:
    record = ServeRecord.objects.order_by("id")[0]
    sql(f"UPDATE audit_serverecord SET {column} = %s WHERE id = %s", COLUMNS[column], record.id)
    named = {
        "pseudonym": "is sealed with a key that is gone",
        "model_sha256": "do not open",
        "source": "do not open",
    }.get(column, column)
    assert any(str(record.id) in fault and named in fault for fault in faults(place))


@pytest.mark.parametrize(("column", "value"), [("kind", "erasure"), ("happened_at", "2020-01-01T00:00:00Z")])
def test_a_changed_column_of_an_event_is_named(place: LogPlace, column: str, value: str) -> None:
    event = AuditEvent.objects.order_by("id")[0]
    sql(f"UPDATE audit_auditevent SET {column} = %s WHERE id = %s", value, event.id)
    assert any(f"audit event {event.id}: its columns" in fault for fault in faults(place))


def test_an_event_whose_id_is_all_zeros_is_named(place: LogPlace) -> None:
    nil = "00000000-0000-0000-0000-000000000000"
    sql(f"CREATE TABLE planted PARTITION OF audit_auditevent FOR VALUES FROM (MINVALUE) TO ('{nil[:-1]}1')")
    sql("INSERT INTO audit_auditevent (id, kind, happened_at, body, salt) VALUES (%s, 'policy', now(), '{}', 'x')", nil)
    assert any(f"audit event {nil} is neither in the log" in fault for fault in faults(place))


def test_an_act_of_nobody_that_was_given_to_somebody_is_named(place: LogPlace, world: World) -> None:
    event = AuditEvent.objects.filter(kind="test")[0]
    for pseudonym in (uuids.uuid4(), world.subject("alex").pseudonym):
        AuditEvent.objects.filter(id=event.id).update(pseudonym=pseudonym)
        expected = f"audit event {event.id}: its column pseudonym says {pseudonym}"
        assert [expected in fault for fault in faults(place)] == [True]


def test_a_sealed_act_that_was_taken_from_its_person_is_named(place: LogPlace, world: World) -> None:
    act = note(kind="consent", happened_at=timezone.now(), what={}, pseudonym=world.subject("alex").pseudonym)
    AuditEvent.objects.filter(id=act).update(pseudonym=None)
    assert any(f"audit event {act} is sealed with a key that is gone" in fault for fault in faults(place))


def test_a_forged_event_is_named_wherever_its_leaf_is_put(place: LogPlace) -> None:
    for leaf, words in ((10**9, "do not follow on each other"), (2, "Leaf 2 has an event at 7")):
        with transaction.atomic():
            forged = note(kind="consent", happened_at=timezone.now(), what={"granted": True})
            sql(
                "WITH moved AS (DELETE FROM audit_logqueue WHERE id = %s RETURNING id, kind, digest) "
                "INSERT INTO audit_logentry (leaf, place, event_id, kind, digest) "
                "SELECT %s, 7, id, kind, digest FROM moved",
                forged,
                leaf,
            )
            assert any(words in fault for fault in faults(place)), leaf
            transaction.set_rollback(True)


def test_the_database_takes_no_leaf_below_0_and_no_digest_that_is_none(place: LogPlace) -> None:
    for statement in (
        "UPDATE audit_logentry SET leaf = -1 WHERE leaf = 0",
        "UPDATE audit_logentry SET digest = 'x'::bytea WHERE leaf = 0 AND place = 0",
        "INSERT INTO audit_logqueue (id, kind, digest) VALUES (gen_random_uuid(), 'x', 'x'::bytea)",
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            sql(statement)


def test_an_event_that_bears_a_records_id_is_named(place: LogPlace) -> None:
    record, event = ServeRecord.objects.order_by("id")[0], AuditEvent.objects.order_by("id")[0]
    sql("UPDATE audit_auditevent SET id = %s WHERE id = %s", record.id, event.id)
    assert any(str(record.id) in fault and "two things" in fault for fault in faults(place))


def test_checkpoints_rolled_back_everywhere_at_once_are_named_after_the_promised_delay(place: LogPlace) -> None:
    earlier = LogCheckpoint.objects.order_by("size")[0]
    LogCheckpoint.objects.exclude(size=earlier.size).delete()
    for folder in place.folders:
        (folder / "checkpoint").write_text(earlier.note)
    late = list(verify(place, now=timezone.now() + timedelta(seconds=61)))
    assert any("under no signed checkpoint" in fault for fault in late)
    LogCheckpoint.objects.all().delete()
    for folder in place.folders:
        (folder / "checkpoint").unlink()
    late = list(verify(place, now=timezone.now() + timedelta(seconds=61)))
    assert any("under no signed checkpoint" in fault for fault in late)


def test_a_head_of_another_history_is_named(place: LogPlace) -> None:
    other = Checkpoint(origin="log.example/test", size=1, root=bytes(32))
    signed = sign_note(other.text(), KEY)
    LogCheckpoint.objects.create(size=1, number=99, root=other.root, note=signed, made_at=timezone.now())
    assert any("checkpoint 1 signs another root" in fault for fault in faults(place))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_auditevent SET salt = ''::bytea",
        "UPDATE audit_serverecord SET id = uuidv7() WHERE id = (SELECT min(id::text)::uuid FROM audit_serverecord)",
        "UPDATE audit_logcheckpoint SET size = size + 1099511627776 "
        "WHERE size = (SELECT max(size) FROM audit_logcheckpoint)",
        "UPDATE audit_serverecord SET body = ''::bytea",
        "UPDATE audit_auditevent SET body = '[]'::bytea",
        "UPDATE audit_logcheckpoint SET note = ''",
        "UPDATE audit_blob SET content = content || 'x'::bytea",
        "DELETE FROM audit_blob",
        "UPDATE audit_sealedblob SET content = content || 'x'::bytea",
        "UPDATE audit_sealedblob SET period = period - interval '1 month'",
        "DELETE FROM audit_itemversion",
        "UPDATE audit_itemversion SET sha256 = sha256(content || 'x')",
        "UPDATE audit_auditevent SET body = substr(body, 1, 5)",
        "UPDATE audit_serverecord SET body = substr(body, 1, 40)",
        "INSERT INTO audit_logqueue SELECT event_id, kind, digest FROM audit_logentry",
        "INSERT INTO audit_logqueue VALUES (gen_random_uuid(), 'x', sha256('x'))",
        "UPDATE audit_logentry SET kind = 'zz'",
        "UPDATE audit_logentry SET place = place + 4096 WHERE place = 1",
        "UPDATE audit_logcheckpoint SET number = number + 100",
    ],
)
def test_whatever_is_done_to_rows_is_named_and_never_stops_the_check(place: LogPlace, statement: str) -> None:
    sql(statement)
    assert faults(place)


def test_a_checkpoint_with_other_line_ends_is_not_the_signed_one(place: LogPlace) -> None:
    path = place.folder / "checkpoint"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert any(str(path) in fault for fault in faults(place))


def test_slates_that_are_served_meanwhile_are_no_fault(place: LogPlace, world: World) -> None:
    found = verify(place, now=timezone.now())
    serve_on(world.subject("alex"))
    assert list(found) == []


def test_two_hundred_random_harms_to_rows_tiles_checkpoints_snapshots_and_models_are_named(
    place: LogPlace, settings: Any
) -> None:
    assert place.second is not None
    folders = {settings.MODEL_REGISTRY / record.model for record in ServeRecord.objects.all() if record.model}
    files = {
        "tiles and bundles": needed_files(place.folder / "tile"),
        "checkpoints": [folder / "checkpoint" for folder in place.folders],
        "model files": [path for each in folders for path in each.iterdir() if path.name != "created_at"],
    }
    tally = tamper(200, files=files, verified=lambda: faults(place), rng=random.Random(4))  # noqa: S311 - which harms
    assert tally.unnamed == []
    assert faults(place) == []
