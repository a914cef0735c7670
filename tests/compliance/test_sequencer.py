"""The sequencer loses nothing, takes nothing twice, repeats itself after a crash, and refuses to sign a fork."""

from __future__ import annotations

import io
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.utils import timezone

from compliance.audit.events import note
from compliance.audit.heads import CopyAway, LogForked, LogPlace, published, write_checkpoint
from compliance.audit.log.files import FileConflict
from compliance.audit.log.note import Checkpoint, SigningKey, sign_note
from compliance.audit.log.reading import LogDamaged
from compliance.audit.models import AuditEvent, LogCheckpoint, LogEntry, LogQueue
from compliance.audit.place import log_place, signing_key
from compliance.audit.sequencer import NotAlone, alone, assign, leaves, publish, rebuild
from compliance.audit.verification import verify

KEY = SigningKey(name="log.example/test", private=Ed25519PrivateKey.generate())


@pytest.fixture(name="place")
def _place(tmp_path: Path, db: None) -> LogPlace:
    """An empty log, and nothing that waits: the shared world may have left something."""
    AuditEvent.objects.all().delete()
    LogQueue.objects.all().delete()
    (tmp_path / "second").mkdir()
    return LogPlace(folder=tmp_path / "log", verifier=KEY.verifier(), second=tmp_path / "second")


def _note(number: int) -> UUID:
    return note(kind="test", happened_at=timezone.now(), what={"number": number})


def _lose_a_round(place: LogPlace) -> None:
    """Publish one more event, of which the database then knows nothing: it is as it was before, the files are not."""
    with transaction.atomic():
        _note(1)
        assign()
        publish(place, KEY)
        transaction.set_rollback(True)


def _faults(place: LogPlace) -> list[str]:
    return list(verify(place, now=timezone.now() + timedelta(seconds=30)))


@pytest.mark.django_db
def test_what_waits_gets_contiguous_places_and_a_signature(place: LogPlace) -> None:
    events = [_note(number) for number in range(300)]
    assert assign(events=200) == 200
    assert assign(events=200) == 100
    head = publish(place, KEY)
    assert head is not None
    assert head.size == 300
    assert list(LogEntry.objects.order_by("leaf").values_list("leaf", "event_id")) == list(enumerate(events))
    assert not LogQueue.objects.exists()
    assert place.tiles.root(300) == head.root
    assert published(place.folder) == published(place.folder.with_name("second"))
    assert publish(place, KEY) is None
    assert _faults(place) == []


@pytest.mark.django_db
def test_one_leaf_may_stand_for_many_events(place: LogPlace) -> None:
    for number in range(10):
        _note(number)
    assert assign(batch=4) == 10
    head = publish(place, KEY)
    assert head is not None
    assert head.size == 3
    _note(10)
    assign(batch=4)
    assert LogEntry.objects.order_by("-leaf").first().leaf == 3  # type: ignore[union-attr]  # a new leaf: 2 was signed
    publish(place, KEY)
    assert _faults(place) == []


@pytest.mark.django_db
def test_a_crash_before_the_checkpoint_is_made_good_by_the_next_round(
    place: LogPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        _note(number)
    assign()
    with monkeypatch.context() as patch:
        patch.setattr(LogCheckpoint.objects, "create", _dies)
        with pytest.raises(KeyboardInterrupt):
            publish(place, KEY)
    assert published(place.folder) is None  # tiles are there, but nothing was signed
    _note(5)
    assign()
    head = publish(place, KEY)
    assert head is not None
    assert head.size == 6
    assert _faults(place) == []


@pytest.mark.django_db
def test_a_crash_between_the_database_and_the_file_leaves_an_older_signed_checkpoint(
    place: LogPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    _note(0)
    assign()
    publish(place, KEY)
    before = published(place.folder)
    _note(1)
    assign()
    with monkeypatch.context() as patch:
        patch.setattr("compliance.audit.sequencer.write_checkpoint", _dies_at(2))
        with pytest.raises(KeyboardInterrupt):
            publish(place, KEY)
    assert published(place.folder) == before
    publish(place, KEY)
    assert place.head(published(place.folder) or "").size == 2
    assert _faults(place) == []


@pytest.mark.django_db
def test_a_restored_database_does_not_fork_the_log(place: LogPlace) -> None:
    _note(0)
    assign()
    publish(place, KEY)
    _lose_a_round(place)
    _note(2)
    assign()
    with pytest.raises(LogForked, match="older than what was published"):
        publish(place, KEY)
    assert any("of which the database knows nothing" in fault for fault in _faults(place))


@pytest.mark.django_db
def test_nothing_is_built_upon_damaged_tiles(place: LogPlace) -> None:
    _note(0)
    assign()
    publish(place, KEY)
    tile = place.folder / "tile" / "0" / "000.p" / "1"
    tile.write_bytes(bytes(32))
    _note(1)
    assign()
    with pytest.raises(LogDamaged):
        publish(place, KEY)


@pytest.mark.django_db
def test_tiles_are_rebuilt_from_the_database(place: LogPlace, settings: Any, tmp_path: Path) -> None:
    settings.AUDIT_LOG = {
        "folder": tmp_path / "log",
        "key": tmp_path / "key",
        "origin": "log.example/x",
        "second": "",
        "vkey": "",
    }
    for number in range(300):
        _note(number)
    call_command("sequencer", once=True)
    files = {path: path.read_bytes() for path in (tmp_path / "log").rglob("*") if path.is_file()}
    shutil.rmtree(tmp_path / "log")
    LogCheckpoint.objects.update(made_at=timezone.now() - timedelta(minutes=1))
    with pytest.raises(CommandError, match="not as they were recorded"):
        call_command("audit", "verify", stdout=io.StringIO())
    call_command("audit", "rebuild", stdout=io.StringIO())
    assert {path: path.read_bytes() for path in (tmp_path / "log").rglob("*") if path.is_file()} == files
    out = io.StringIO()
    call_command("audit", "verify", stdout=out)
    assert out.getvalue() == "300 events in the log, 0 faults\n"


@pytest.mark.django_db(transaction=True)
def test_only_one_process_writes_the_log() -> None:
    def another() -> str:
        try:
            with alone():
                return "in"
        except NotAlone as error:
            return str(error)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with alone():
            assert "Another sequencer" in pool.submit(another).result()
        assert pool.submit(another).result() == "in"


@pytest.mark.django_db(transaction=True)
def test_a_row_that_commits_late_is_not_lost(place: LogPlace) -> None:
    """The classic trap of a tail by number: an earlier id that becomes visible after a later one was taken."""

    def slow(ready: Any, go: Any) -> UUID:
        try:
            with transaction.atomic():
                event_id = _note(0)
                ready.set()
                go.wait(10)
            return event_id
        finally:
            connections.close_all()

    import threading

    ready, go = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(slow, ready, go)
        assert ready.wait(10)
        _note(1)
        assert assign() == 1
        go.set()
        assert late.result().version == 7
    assert assign() == 1
    publish(place, KEY)
    assert LogEntry.objects.get(event_id=late.result()).leaf == 1
    assert _faults(place) == []


@pytest.mark.django_db
def test_a_rebuild_after_a_restore_does_not_sign_a_fork_either(place: LogPlace) -> None:
    _note(0)
    assign()
    publish(place, KEY)
    _lose_a_round(place)
    before = [published(folder) for folder in place.folders]
    with pytest.raises(LogForked, match="older than what was published"):
        rebuild(place)
    assert [published(folder) for folder in place.folders] == before


@pytest.mark.django_db
def test_a_round_that_the_database_lost_is_moved_aside_by_a_rebuild(place: LogPlace) -> None:
    for number in range(255):
        _note(number)
    assign()
    publish(place, KEY)
    with transaction.atomic():  # tiles are written, then everything fails over to a database without this round
        for number in range(3):
            _note(number)
        assign()
        place.tiles.append(leaves(255), size=255)
        transaction.set_rollback(True)
    for number in range(5):
        _note(number)
    assign()
    with pytest.raises(FileConflict):
        publish(place, KEY)
    assert rebuild(place)
    head = publish(place, KEY)
    assert head is not None
    assert head.size == 260
    assert _faults(place) == []


@pytest.mark.django_db
def test_nothing_is_published_that_was_not_signed(place: LogPlace) -> None:
    _note(0)
    assign()
    publish(place, KEY)
    before = published(place.folder)
    LogCheckpoint.objects.create(size=999, number=99, root=bytes(32), note="anything at all\n", made_at=timezone.now())
    with pytest.raises(LogForked, match="newest checkpoint was changed"):
        publish(place, KEY)
    with pytest.raises(LogForked, match="newest checkpoint was changed"):
        rebuild(place)
    assert published(place.folder) == before


@pytest.mark.django_db
def test_a_second_copy_of_another_history_stops_the_log_and_is_kept(place: LogPlace) -> None:
    assert place.second is not None
    for number in range(3):
        _note(number)
        assign()
        publish(place, KEY)
    other = sign_note(Checkpoint(origin="log.example/test", size=1, root=bytes(32)).text(), KEY)
    (place.second / "checkpoint").write_text(other)
    _note(3)
    assign()
    with pytest.raises(LogForked, match="another root for 1 leaves"):
        publish(place, KEY)
    assert published(place.second) == other


@pytest.mark.django_db
def test_a_second_copy_that_is_away_is_waited_for(place: LogPlace) -> None:
    assert place.second is not None
    place.second.rmdir()
    _note(0)
    assign()
    with pytest.raises(CopyAway, match="mount it"):
        publish(place, KEY)
    assert not place.second.exists()
    place.second.mkdir()
    assert publish(place, KEY) is not None


@pytest.mark.django_db
def test_a_cut_checkpoint_ends_the_sequencer_with_a_sentence(settings: Any, tmp_path: Path) -> None:
    settings.AUDIT_LOG = {**settings.AUDIT_LOG, "folder": tmp_path / "log", "key": tmp_path / "key"}
    _note(0)
    call_command("sequencer", once=True)
    (tmp_path / "log" / "checkpoint").write_text("cut")
    with pytest.raises(CommandError, match="Nothing more is signed"):
        call_command("sequencer", once=True)


def test_a_key_that_others_may_read_and_one_that_is_not_there_are_refused(settings: Any, tmp_path: Path) -> None:
    settings.AUDIT_LOG = {**settings.AUDIT_LOG, "key": tmp_path / "keys" / "key"}
    with pytest.raises(ImproperlyConfigured, match="Nobody has signed the audit log yet"):
        log_place()
    assert not (tmp_path / "keys").exists()
    vkey = signing_key().verifier().encode()
    assert log_place().verifier.encode() == vkey == signing_key().verifier().encode()
    (tmp_path / "keys" / "key").chmod(0o644)
    with pytest.raises(ImproperlyConfigured, match="give it mode 0600"):
        signing_key()
    settings.AUDIT_LOG = {**settings.AUDIT_LOG, "key": tmp_path / "nowhere", "vkey": vkey}
    assert log_place().verifier.encode() == vkey


@pytest.mark.django_db
def test_bad_arguments_are_refused() -> None:
    for arguments, sentence in (
        ({"batch": 0}, "--batch must be 1 to 65,536, not 0"),
        ({"every": 0.0}, "--every must be above 0"),
    ):
        with pytest.raises(CommandError, match=sentence):
            call_command("sequencer", once=True, **arguments)


def _dies_at(call: int) -> Any:
    """Something that dies when it is called for the n-th time."""
    calls = iter(range(1, 100))

    def write(*arguments: Any) -> None:
        if next(calls) == call:
            raise KeyboardInterrupt
        write_checkpoint(*arguments)

    return write


def _dies(*_: object, **__: object) -> None:
    assert connection.vendor == "postgresql"
    raise KeyboardInterrupt
