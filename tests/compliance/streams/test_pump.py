"""The log is handed on in order, at least once, from PostgreSQL and the cold tier, and nothing clear about people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from compliance.audit.cold.move import move
from compliance.audit.cold.partitions import partitions
from compliance.audit.cold.place import cold_store
from compliance.audit.cold.schema import ACTS, RECORDS
from compliance.audit.events import note
from compliance.audit.heads import LogPlace
from compliance.audit.models import AuditEvent, LogEntry, StreamOffset
from compliance.audit.place import log_place
from compliance.audit.sequencer import assign, publish
from compliance.audit.streams.pump import LogSource, StreamBusy, pump
from compliance.audit.streams.types import START, SinkAway, StreamEvent
from tests.compliance.cold.aged import SUMMER, aged_month
from tests.compliance.cold.conftest import KEY
from tests.compliance.cold.test_move import TWO
from tests.conftest import World


class Kept:
    """A sink that keeps what it is given, and breaks when told to."""

    def __init__(self) -> None:
        self.events: list[StreamEvent] = []
        self.away = False

    def deliver(self, events: Sequence[StreamEvent]) -> None:
        """Take them, and then perhaps fail to say so."""
        self.events += events
        if self.away:
            raise SinkAway("The acknowledgement was lost.")


@pytest.fixture(name="month")
def _month(world: World, tmp_path: Path, settings: Any) -> LogPlace:
    settings.AUDIT_COLD = {"store": str(tmp_path / "cold"), "beside": tmp_path / "beside"}
    settings.AUDIT_LOG = {**settings.AUDIT_LOG, "folder": tmp_path / "log", "vkey": KEY.verifier().encode()}
    aged_month(world, log_place(), KEY)
    return log_place()


def whole_log() -> list[Any]:
    """Event ids in the log's order."""
    return list(LogEntry.objects.order_by("leaf", "place").values_list("event_id", flat=True))


def test_every_event_comes_in_order_and_only_once_signed(month: LogPlace) -> None:
    sink, signed = Kept(), whole_log()
    note(kind="test", happened_at=timezone.now(), what={"number": 1})
    assign()  # in the log, and not signed yet
    while pump(name="all", source=LogSource(), sink=sink, limit=4):
        pass
    assert [event.id for event in sink.events] == signed
    publish(month, KEY)
    assert pump(name="all", source=LogSource(), sink=sink) == len(whole_log()) - len(signed)
    assert [event.id for event in sink.events] == whole_log()
    assert pump(name="all", source=LogSource(), sink=sink) == 0
    assert pump(name="another", source=LogSource(), sink=Kept()) == len(whole_log())


def test_what_was_not_acknowledged_comes_again(month: LogPlace) -> None:
    sink = Kept()
    sink.away = True
    with pytest.raises(SinkAway):
        pump(name="all", source=LogSource(), sink=sink, limit=3)
    assert StreamOffset.objects.get(name="all").leaf == START.leaf
    sink.away = False
    while pump(name="all", source=LogSource(), sink=sink, limit=5):
        pass
    assert [event.id for event in sink.events] == [*whole_log()[:3], *whole_log()]


def test_a_stream_that_begins_late_gets_cold_events_with_the_same_bytes(month: LogPlace) -> None:
    hot = LogSource().after(START, 1_000)
    for table in (RECORDS, ACTS):
        partition = next(each for each in partitions(table) if each.period == SUMMER)
        move(partition, place=month, store=cold_store(), **TWO)
    assert LogSource().after(START, len(hot)) == hot
    assert all(event.body for event in hot)


def test_what_was_recorded_in_the_clear_about_a_person_stays_here(month: LogPlace) -> None:
    kinds = {event.kind: event.body for event in LogSource().after(START, 1_000)}
    assert kinds["promotion"] is not None
    AuditEvent.objects.filter(kind="consent").update(body=b'{"kind":"consent"}', pseudonym=None)
    kinds = {event.kind: event.body for event in LogSource().after(START, 1_000)}
    assert kinds["consent"] is None
    assert kinds["promotion"] is not None


def test_the_command_fills_a_folder_and_goes_on_where_it_stopped(month: LogPlace, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    for _ in range(2):
        call_command("audit_stream", "files", to=f"lines:{tmp_path / 'out'}", once=True, at_once=4)
        note(kind="test", happened_at=timezone.now(), what={})
        assign()
        publish(month, KEY)
    lines = [line for path in sorted((tmp_path / "out").iterdir()) for line in path.read_text().splitlines()]
    assert [json.loads(line)["id"] for line in lines] == [str(each) for each in whole_log()[:-1]]
    with pytest.raises(CommandError, match="is no place for events"):
        call_command("audit_stream", "files", to="carrier pigeon", once=True)
    with pytest.raises(CommandError, match="takes no files"):
        call_command("audit_stream", "more", to=f"parquet:{tmp_path / 'no'}", once=True)


@pytest.mark.django_db(transaction=True)
def test_two_do_not_send_one_stream() -> None:
    StreamOffset.objects.create(name="all")
    other = connections.create_connection("default")
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute("SELECT 1 FROM audit_streamoffset WHERE name = 'all' FOR UPDATE")
    with pytest.raises(StreamBusy, match="Another process sends the stream 'all'"):
        pump(name="all", source=LogSource(), sink=Kept())
    other.rollback()
    other.close()
    assert pump(name="all", source=LogSource(), sink=Kept()) == 0
