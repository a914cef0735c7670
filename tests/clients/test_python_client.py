"""The client loses nothing that it acknowledged: neither when it is killed nor when the service is away or slow."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from clerestory_client import Client, Item, SpoolRefused
from clerestory_client.documents import batch, document, uuid7
from compliance.audit.ingest import backlog, scanning, sources
from compliance.audit.ingest.numbers import ranges_of
from compliance.audit.ingest.scanning import externals
from compliance.audit.keys.services import forget_all
from compliance.audit.models import AuditEvent, LogQueue, ServeRecord
from compliance.audit.selectors import document_of
from host.settings.base import BASE_DIR

PERSON = "1b671a64-40d5-491e-99b0-da01ff1f3341"
HOUR_MS = 3_600_000
NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def key(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> str:
    forget_all()
    monkeypatch.setattr(backlog._Seen, "at", float("-inf"))
    return sources.add(name="ranker", service="test", by="an operator", why="a test")


def taken(client: Client, number: int = 0, **changes: Any) -> str:
    words = {"surface": "home", "feed_mode": "newest", "tier": "adult", "jurisdiction": "EU"}
    item = Item(f"item-{number}", source="newest", scores={"like": 0.1 + number}, propensity="0x1.0p-1")
    return client.record(**{"pseudonym": PERSON, "items": [item], **words, **changes})


def on_record() -> set[str]:
    return {str(found) for found in ServeRecord.objects.filter(source="ranker").values_list("id", flat=True)}


def killed_after(lines: int, arguments: list[str], folder: Path) -> set[str]:
    """Run a producer, kill it after so many decisions; return all that it said were safe."""
    command = [sys.executable, str(Path(__file__).parent / "producer.py"), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(BASE_DIR / "clients" / "python")}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        process.send_signal(signal.SIGKILL)
        said += process.stdout.readlines()
    return {line.strip() for line in said if line.endswith("\n")}


def test_what_was_recorded_arrives_as_it_was(live_server: Any, key: str, tmp_path: Path) -> None:
    with Client(live_server.url, key, tmp_path / "spool.db") as client:
        event_id = taken(client, model=("m", "ab" * 32), reasons=["because é"], parameters={"weights.like": "1"})
        assert client.flush()
    document = document_of(ServeRecord.objects.get(id=event_id))
    assert document["items"][0] == {
        "rank": 1,
        "item": "item-0",
        "source": "newest",
        "scores": {"like": "0.1"},
        "propensity": "0x1.0p-1",
    }
    assert (document["sequence"], document["reasons"], document["source"]) == (1, ["because é"], "ranker")


def test_the_background_thread_sends_without_being_asked(live_server: Any, key: str, tmp_path: Path) -> None:
    client = Client(live_server.url, key, tmp_path / "spool.db", every_s=0.01)
    ids = {taken(client, number) for number in range(30)}
    until = time.monotonic() + 20
    while client.waiting() and time.monotonic() < until:
        time.sleep(0.02)
    assert on_record() == ids
    assert client.close()


def test_killed_in_the_middle_it_loses_nothing_and_repeats_nothing(live_server: Any, key: str, tmp_path: Path) -> None:
    safe: set[str] = set()
    for lines in (40, 63, 86, 109):
        safe |= killed_after(lines, [live_server.url, key, "spool.db", "100000"], tmp_path)
    with Client(live_server.url, key, tmp_path / "spool.db") as client:
        assert client.flush()
        assert client.refused() == []
    assert safe <= on_record()
    assert len(safe) >= 40 * 4
    count = ServeRecord.objects.filter(source="ranker").count()
    assert ranges_of("ranker") == [(1, count)]
    assert LogQueue.objects.filter(kind="serve").count() == count


def test_while_nobody_answers_decisions_wait_on_disk(live_server: Any, key: str, tmp_path: Path) -> None:
    client = Client(NOBODY, key, tmp_path / "spool.db", start=False)
    ids = {taken(client, number) for number in range(5)}
    assert not client.flush(timeout_s=0.3)
    assert client.waiting() == 5
    client.close(timeout_s=0)
    with Client(live_server.url, key, tmp_path / "spool.db") as again:
        assert again.flush()
    assert on_record() == ids


def test_a_busy_service_is_left_alone_as_long_as_it_asks(
    live_server: Any, key: str, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "RETRY_S", 2)
    settings.INGEST_QUEUE = 0
    client = Client(live_server.url, key, tmp_path / "spool.db", start=False)
    taken(client)
    started = time.monotonic()
    assert not client.flush(timeout_s=0.5)
    settings.INGEST_QUEUE = 1000
    assert client.flush(timeout_s=10)
    assert time.monotonic() - started >= 2
    assert client.close()


def test_what_is_refused_is_set_aside_and_the_others_arrive(live_server: Any, key: str, tmp_path: Path) -> None:
    with Client(live_server.url, key, tmp_path / "spool.db", start=False) as client:
        fine, wrong, later = taken(client), taken(client, tier="grown-up"), taken(client)
        assert client.flush()
        assert [(one.id, one.sequence) for one in client.refused()] == [(wrong, 2)]
        assert "tier" in client.refused()[0].problem
        assert (client.forget_refused(), client.refused(), client.forget_refused()) == (1, [], 0)
    assert on_record() == {fine, later}
    assert ranges_of("ranker") == [(1, 1), (3, 3)]


def test_only_its_owner_reads_the_spool(key: str, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        (tmp_path / "old.db").touch(mode=0o644)  # as an earlier client made it
        for path in (tmp_path / "new" / "spool.db", tmp_path / "old.db"):
            client = Client(NOBODY, key, path, start=False)
            taken(client)
            found = {file.name: file.stat().st_mode & 0o777 for file in path.parent.glob(f"{path.name}*")}
            assert found.keys() >= {path.name}
            assert set(found.values()) == {0o600}
            client.close(timeout_s=0)
    finally:
        os.umask(before)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_hours_are_claimed_once_and_agree(live_server: Any, key: str, tmp_path: Path) -> None:
    hour = (int(time.time() * 1000) // HOUR_MS - 2) * HOUR_MS
    with Client(live_server.url, key, tmp_path / "spool.db", start=False) as client:
        for number in range(3):
            taken(client, number, served_at_ms=hour + number)
        taken(client)
        assert client.reconcile() == []  # what waits is not claimed
        assert client.flush()
        (found,) = client.reconcile()
        assert (found.hour_ms, found.claimed, found.on_record, found.unexplained) == (hour, 3, 3, 0)
        assert client.reconcile() == []
    assert AuditEvent.objects.filter(kind="reconciliation").count() == 1


def test_what_it_sends_is_read_by_the_quick_look(monkeypatch: pytest.MonkeyPatch) -> None:
    words = {"surface": "home", "feed_mode": "newest", "tier": "adult", "jurisdiction": "EU"}
    now = int(time.time() * 1000)
    items = [Item("é", source="newest", scores={"like": 1e-05, "click": 0.1 + 0.2, "a": 0.5}, propensity=0.25)]
    texts = [
        document(
            event_id=uuid7(now),
            pseudonym=PERSON,
            served_at_ms=now,
            words=words,
            model=None,
            items=items,
            reasons=['no ,"served_at_ms": here'.replace('"', "'")],
            parameters={"served_at_ms": "also not here"},
        )
        for _ in range(30)
    ]
    body = batch(enumerate(texts, 1))
    monkeypatch.setattr(scanning._Known, "made_at", float("-inf"))
    scanning.learn(json.loads(body)["events"])  # as after a first batch
    found = scanning.scan(body)
    assert found is not None
    assert [one.sequence for one in externals(found["events"], service="s", source="x", now_ms=now)] == [*range(1, 31)]


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_no_number_is_refused_before_it_is_kept(key: str, tmp_path: Path, score: float) -> None:
    client = Client(NOBODY, key, tmp_path / "spool.db", start=False)
    with pytest.raises(ValueError, match="no score"):
        taken(client, items=[Item("a", source="s", scores={"like": score})])
    assert client.waiting() == 0
    client.close(timeout_s=0)


def test_a_spool_is_one_sources_and_one_processs(key: str, tmp_path: Path) -> None:
    client = Client(NOBODY, key, tmp_path / "spool.db", start=False)
    taken(client)
    with pytest.raises((SpoolRefused, sqlite3.OperationalError)):
        Client(NOBODY, key, tmp_path / "spool.db", start=False)
    client.close(timeout_s=0)
    with pytest.raises(SpoolRefused, match="source ranker"):
        Client(NOBODY, "other.key", tmp_path / "spool.db", start=False)
