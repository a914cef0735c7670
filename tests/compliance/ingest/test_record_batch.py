"""A batch of decisions taken elsewhere is on record whole, once, and for good, or not at all."""

from __future__ import annotations

import threading
import time
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from compliance.audit.columns import column_differences
from compliance.audit.events import note
from compliance.audit.ingest import backlog, sources
from compliance.audit.ingest.backlog import Overloaded
from compliance.audit.ingest.batch import BatchRefused
from compliance.audit.ingest.numbers import missing, ranges_of
from compliance.audit.ingest.services import NotDurable, SourceRevoked, record_batch
from compliance.audit.ingest.sources import Source
from compliance.audit.keys.services import erase
from compliance.audit.log.commitment import commit
from compliance.audit.models import AuditEvent, LogQueue, ServeRecord
from compliance.audit.selectors import document_of
from tests.compliance.ingest.conftest import counts, made_source
from tests.compliance.ingest.made_decisions import decision

NOW = int(time.time() * 1000)


def post(source: Source, *events: dict[str, Any]) -> tuple[int, int]:
    """How many were written, and how many were there already."""
    done = record_batch(source=source, events=list(events), now_ms=int(time.time() * 1000))
    return len(done.written), len(done.already)


def refused(source: Source, *events: dict[str, Any]) -> str:
    """The first problem of a refused batch, which must leave everything as it was."""
    before = counts()
    with pytest.raises(BatchRefused) as caught:
        post(source, *events)
    assert caught.value.conflict
    assert counts() == before
    return caught.value.problems[0].problem


def test_a_decision_becomes_a_record_that_opens_and_waits_for_the_log(source: Source) -> None:
    event = decision(1)
    assert post(source, event) == (1, 0)
    record = ServeRecord.objects.get(id=event["id"])
    assert document_of(record) == {**event, "service": "test", "source": "elsewhere"}
    assert (record.source, record.tier, record.model, bytes(record.body)[:1]) == (
        "elsewhere",
        "adult",
        "ab" * 32,
        b"\x02",
    )
    assert int(record.served_at.timestamp() * 1000) == event["served_at_ms"]
    waiting = LogQueue.objects.get(id=record.id)
    assert bytes(waiting.digest) == commit(record.id, bytes(record.salt), bytes(record.body))
    assert waiting.kind == "serve"


def test_a_decision_without_a_model_has_none(source: Source) -> None:
    event = decision(1, model=None)
    post(source, event)
    assert ServeRecord.objects.get(id=event["id"]).model == ""


def test_the_same_again_is_acknowledged_and_not_written(source: Source) -> None:
    events = [decision(number) for number in range(1, 6)]
    assert post(source, *events[:3]) == (3, 0)
    before = counts()
    assert post(source, *events[:3]) == (0, 3)
    assert counts() == before
    assert post(source, *events) == (2, 3)
    assert ranges_of("elsewhere") == [(1, 5)]


@pytest.mark.parametrize("change", [{"tier": "teen"}, {"sequence": 2}, {"reasons": []}])
def test_the_same_id_with_other_content_is_refused(source: Source, change: dict[str, Any]) -> None:
    event = decision(1)
    post(source, event)
    assert refused(source, decision(3), event | change) == "Its id is on record already, with other content."


def test_a_number_of_another_decision_is_refused(source: Source) -> None:
    post(source, decision(1))
    assert "sequence number 1" in refused(source, decision(2), decision(1, seed=5))


def test_an_id_of_another_source_is_refused_without_a_word_of_what_it_is(source: Source) -> None:
    event, other = decision(1), made_source("other")
    post(source, event)
    assert refused(other, event) == "Its id is on record already, for another decision."


def test_an_id_of_an_act_is_refused(source: Source) -> None:
    act = note(kind="consent", happened_at=timezone.now(), what={"by": "a test"})
    assert "for another decision" in refused(source, decision(1) | {"id": str(act)})
    assert AuditEvent.objects.filter(id=act).exists()


def test_one_bad_event_leaves_nothing_behind(source: Source) -> None:
    before = counts()
    with pytest.raises(BatchRefused) as caught:
        post(source, decision(1), decision(2, tier="?"))
    assert not caught.value.conflict
    assert counts() == before


def test_numbers_that_come_late_close_their_gap(source: Source) -> None:
    events = {number: decision(number) for number in range(1, 11)}
    post(source, events[1], events[2], events[5], events[9], events[10])
    assert missing("elsewhere") == ([(3, 4), (6, 8)], 5)
    post(source, events[4], events[6], events[3])
    assert missing("elsewhere") == ([(7, 8)], 2)
    post(source, events[7], events[8])
    assert (missing("elsewhere"), ranges_of("elsewhere")) == (([], 0), [(1, 10)])


def test_what_is_of_an_erased_person_is_refused_and_what_was_written_before_is_acknowledged(source: Source) -> None:
    event = decision(1)
    post(source, event)
    erase(pseudonym=UUID(event["pseudonym"]), by="an operator", why="asked", approved_by="another operator")
    assert post(source, event, decision(2)) == (1, 1)
    assert "erased" in refused(source, decision(3) | {"pseudonym": event["pseudonym"]})


def test_a_long_queue_makes_producers_wait(source: Source, settings: Any) -> None:
    post(source, decision(1), decision(2))
    settings.INGEST_QUEUE = 2
    backlog._Seen.at = float("-inf")
    before = counts()
    with pytest.raises(Overloaded, match="At least"):
        post(source, decision(3))
    assert counts() == before
    LogQueue.objects.all().delete()
    assert post(source, decision(3)) == (1, 0)


def test_a_revoked_source_writes_nothing(source: Source) -> None:
    sources.revoke(name="elsewhere", by="an operator", why="a test")
    with pytest.raises(SourceRevoked):
        post(source, decision(1))
    assert not ServeRecord.objects.exists()


def test_the_commit_is_durable_whatever_the_role_says(source: Source) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
    try:
        post(source, decision(1))
        with connection.cursor() as cursor:
            cursor.execute("SHOW synchronous_commit")  # still inside the test's own transaction
            assert cursor.fetchone()[0] == "on"
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET synchronous_commit")


def test_nothing_is_acknowledged_where_commits_are_not_on_disk(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    from compliance.audit.ingest import services

    monkeypatch.setattr(services, "DURABLE", ("on", "as on no disk"))
    with pytest.raises(NotDurable, match="fsync"):
        post(source, decision(1))


def in_threads(count: int, work: Any) -> list[Any]:
    """What `work(number)` gave in so many threads at once; their connections are closed."""
    results: list[Any] = [None] * count
    ready = threading.Barrier(count)

    def run(number: int) -> None:
        ready.wait()
        try:
            results[number] = work(number)
        except (BatchRefused, OperationalError) as error:
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


@pytest.mark.django_db(transaction=True)
def test_identical_batches_at_once_are_written_once() -> None:
    source = made_source("elsewhere")
    events = [decision(number) for number in range(1, 301)]
    orders = [events, events[::-1], events[150:] + events[:150], events]
    results = in_threads(4, lambda number: post(source, *orders[number]))
    assert sorted(results) == [(0, 300)] * 3 + [(300, 0)]
    assert counts() == {"records": 300, "waiting": 300, "ranges": 1}


@pytest.mark.django_db(transaction=True)
def test_sources_that_claim_the_same_ids_at_once_neither_share_nor_wait_in_a_circle() -> None:
    several = [made_source(f"source-{number}") for number in range(3)]
    events = [decision(number) for number in range(1, 301)]
    results = in_threads(3, lambda number: post(several[number], *events))
    assert sorted(str(type(result).__name__) for result in results) == ["BatchRefused", "BatchRefused", "tuple"]
    assert counts() == {"records": 300, "waiting": 300, "ranges": 1}


@pytest.mark.django_db(transaction=True)
def test_batches_that_overlap_at_once_are_whole_in_the_end() -> None:
    source = made_source("elsewhere")
    events = [decision(number) for number in range(1, 401)]
    results = in_threads(4, lambda number: post(source, *events[number * 50 : number * 50 + 250]))
    assert sum(written for written, _ in results) == 400
    assert ranges_of("elsewhere") == [(1, 400)]


@pytest.mark.django_db(transaction=True)
def test_a_source_that_is_held_too_long_is_a_refusal_and_not_a_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    from compliance.audit.ingest import services
    from compliance.audit.ingest.models import IngestSource

    monkeypatch.setattr(services, "LOCK_WAIT_MS", 100)
    source = made_source("elsewhere")
    with transaction.atomic():
        IngestSource.objects.select_for_update().get(name="elsewhere")
        (result,) = in_threads(1, lambda _: post(source, decision(1)))
    assert isinstance(result, OperationalError)
    assert not ServeRecord.objects.exists()


def test_verification_reads_these_records_as_it_reads_our_own(source: Source) -> None:
    post(source, decision(1), decision(2, model=None))
    for record in ServeRecord.objects.all():
        assert list(column_differences(record, document_of(record))) == []
    record.tier, record.source = "child", "other"
    named = {name for name, _, _ in column_differences(record, document_of(record))}
    assert named == {"tier", "source"}
