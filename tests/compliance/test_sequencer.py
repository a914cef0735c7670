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
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.utils import timezone

from compliance.audit.events import note
from compliance.audit.log.note import SigningKey
from compliance.audit.log.reading import LogDamaged
from compliance.audit.models import AuditEvent, LogCheckpoint, LogEntry, LogQueue
from compliance.audit.sequencer import LogForked, LogPlace, NotAlone, alone, assign, publish, published
from compliance.audit.verify import verify


@pytest.fixture(name="place")
def _place(tmp_path: Path, db: None) -> LogPlace:
    """An empty log, and nothing that waits: the shared world may have left something."""
    AuditEvent.objects.all().delete()
    LogQueue.objects.all().delete()
    key = SigningKey(name="log.example/test", private=Ed25519PrivateKey.generate())
    return LogPlace(folder=tmp_path / "log", key=key, second=tmp_path / "second")


def _note(number: int) -> UUID:
    return note(kind="test", happened_at=timezone.now(), what={"number": number})


def _faults(place: LogPlace) -> list[str]:
    return list(verify(place, now=timezone.now() + timedelta(seconds=30)))


@pytest.mark.django_db
def test_what_waits_gets_contiguous_places_and_a_signature(place: LogPlace) -> None:
    events = [_note(number) for number in range(300)]
    assert assign(events=200) == 200
    assert assign(events=200) == 100
    head = publish(place)
    assert head is not None
    assert head.size == 300
    assert list(LogEntry.objects.order_by("leaf").values_list("leaf", "event_id")) == list(enumerate(events))
    assert not LogQueue.objects.exists()
    assert place.tiles.root(300) == head.root
    assert published(place.folder) == published(place.folder.with_name("second"))
    assert publish(place) is None
    assert _faults(place) == []


@pytest.mark.django_db
def test_one_leaf_may_stand_for_many_events(place: LogPlace) -> None:
    for number in range(10):
        _note(number)
    assert assign(batch=4) == 10
    head = publish(place)
    assert head is not None
    assert head.size == 3
    _note(10)
    assign(batch=4)
    assert LogEntry.objects.order_by("-leaf").first().leaf == 3  # type: ignore[union-attr]  # a new leaf: 2 was signed
    publish(place)
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
            publish(place)
    assert published(place.folder) is None  # tiles are there, but nothing was signed
    _note(5)
    assign()
    head = publish(place)
    assert head is not None
    assert head.size == 6
    assert _faults(place) == []


@pytest.mark.django_db
def test_a_crash_between_the_database_and_the_file_leaves_an_older_signed_checkpoint(
    place: LogPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    _note(0)
    assign()
    publish(place)
    before = published(place.folder)
    _note(1)
    assign()
    with monkeypatch.context() as patch:
        patch.setattr("compliance.audit.sequencer.write_checkpoint", _dies)
        with pytest.raises(KeyboardInterrupt):
            publish(place)
    assert published(place.folder) == before
    publish(place)
    assert place.head(published(place.folder) or "").size == 2
    assert _faults(place) == []


@pytest.mark.django_db
def test_a_restored_database_does_not_fork_the_log(place: LogPlace) -> None:
    _note(0)
    assign()
    publish(place)
    with transaction.atomic():
        _note(1)
        assign()
        publish(place)
        transaction.set_rollback(True)  # the database is as it was before, the files are not
    _note(2)
    assign()
    with pytest.raises(LogForked, match="older than what was published"):
        publish(place)
    assert any("of which the database knows nothing" in fault for fault in _faults(place))


@pytest.mark.django_db
def test_nothing_is_built_upon_damaged_tiles(place: LogPlace) -> None:
    _note(0)
    assign()
    publish(place)
    tile = place.folder / "tile" / "0" / "000.p" / "1"
    tile.write_bytes(bytes(32))
    _note(1)
    assign()
    with pytest.raises(LogDamaged):
        publish(place)


@pytest.mark.django_db
def test_tiles_are_rebuilt_from_the_database(place: LogPlace, settings: Any, tmp_path: Path) -> None:
    settings.AUDIT_LOG = {"folder": tmp_path / "log", "key": tmp_path / "key", "origin": "log.example/x", "second": ""}
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
    assert out.getvalue() == "300 leaves, 0 faults\n"


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
    publish(place)
    assert LogEntry.objects.get(event_id=late.result()).leaf == 1
    assert _faults(place) == []


@pytest.mark.django_db
def test_bad_arguments_are_refused() -> None:
    for arguments, sentence in (
        ({"batch": 0}, "--batch must be 1 to 65,536, not 0"),
        ({"every": 0.0}, "--every must be above 0"),
    ):
        with pytest.raises(CommandError, match=sentence):
            call_command("sequencer", once=True, **arguments)


def _dies(*_: object, **__: object) -> None:
    assert connection.vendor == "postgresql"
    raise KeyboardInterrupt
