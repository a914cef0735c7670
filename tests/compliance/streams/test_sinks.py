"""Sinks take events durably, keyed by their ids, over a real wire protocol; and say so when they do not."""

from __future__ import annotations

import json
import time
from base64 import b64decode
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Message, Producer

from compliance.audit.cold.parquet import read, values
from compliance.audit.cold.schema import LOG
from compliance.audit.streams.files import LinesSink, ParquetSink
from compliance.audit.streams.kafka import KafkaSink
from compliance.audit.streams.types import Position, SinkAway, StreamEvent
from tests.compliance.cold.made_months import made_month


@pytest.fixture(name="events")
def _events() -> list[StreamEvent]:
    rows = sorted(made_month(date(2026, 9, 1), rows=300).rows, key=lambda row: row.leaf)
    return [
        StreamEvent(
            position=Position(leaf=row.leaf, place=0),
            id=row.id,
            kind="serve",
            digest=row.salt,
            pseudonym=row.pseudonym,
            body=row.body if row.leaf else None,
        )
        for row in rows
    ]


@pytest.fixture(name="cluster")
def _cluster() -> Iterator[tuple[Producer, str]]:
    """Three brokers in this process (librdkafka's own), and where they listen."""
    owner = Producer({"test.mock.num.brokers": 3, "bootstrap.servers": "none", "log_level": 0})
    brokers = owner.list_topics(timeout=10).brokers.values()
    yield owner, ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
    owner.flush(1)


def received(servers: str, topic: str, count: int) -> list[Message]:
    """Messages of a topic, read by somebody else."""
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "test", "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    found: list[Message] = []
    end = time.monotonic() + 20
    while len(found) < count and time.monotonic() < end:
        found += [message for message in consumer.consume(500, 0.2) if not message.error()]
    consumer.close()
    return found


def test_events_reach_a_topic_keyed_by_their_ids(cluster: tuple[Producer, str], events: list[StreamEvent]) -> None:
    sink = KafkaSink(cluster[1], "audit", patience_s=10)
    sink.deliver(events[:100])
    sink.deliver(events[50:])  # after a crash some come twice: the key says which
    found = received(cluster[1], "audit", 350)
    assert len(found) == 350
    by_key = {bytes(message.key() or b"").decode(): json.loads(bytes(message.value() or b"")) for message in found}
    assert set(by_key) == {str(event.id) for event in events}
    for event in events:
        said = by_key[str(event.id)]
        assert (said["leaf"], said["digest"]) == (event.position.leaf, event.digest.hex())
        assert (None if said["body"] is None else b64decode(said["body"])) == event.body


def test_brokers_that_are_away_are_said_in_a_sentence(events: list[StreamEvent]) -> None:
    owner = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "none", "log_level": 0})
    (broker,) = owner.list_topics(timeout=10).brokers.values()
    sink = KafkaSink(f"{broker.host}:{broker.port}", "audit", patience_s=1, more={"log_level": 0})
    del owner, broker  # and with them the cluster
    with pytest.raises(SinkAway, match=r"did not take all events .* sent again later"):
        sink.deliver(events[:3])


def test_what_makes_messages_durable_cannot_be_configured_away(cluster: tuple[Producer, str]) -> None:
    sink = KafkaSink(cluster[1], "audit", patience_s=10, more={"acks": "0", "enable.idempotence": False})
    sink.deliver([])  # librdkafka itself refuses idempotence with acks=0: ours won, or this had raised


def test_lines_and_parquet_hold_what_was_delivered_and_once(tmp_path: Path, events: list[StreamEvent]) -> None:
    for sink in (LinesSink(folder=tmp_path), ParquetSink(folder=tmp_path)):
        sink.deliver(events[:200])
        sink.deliver(events[200:])
        sink.deliver(events[200:])  # again
    lines = [line for path in sorted(tmp_path.glob("*.jsonl")) for line in path.read_text().splitlines()]
    assert [json.loads(line)["id"] for line in lines] == [str(event.id) for event in events]
    batches = [batch for path in sorted(tmp_path.glob("*.parquet")) for batch in read(path, LOG)]
    assert [each for batch in batches for each in values(batch, "body")] == [event.body for event in events]
    assert len(list(tmp_path.iterdir())) == 4


def test_a_folder_that_is_not_there_takes_nothing(tmp_path: Path, events: list[StreamEvent]) -> None:
    for sink in (LinesSink(folder=tmp_path / "no"), ParquetSink(folder=tmp_path / "no")):
        with pytest.raises(SinkAway, match="takes no files"):
            sink.deliver(events[:1])
