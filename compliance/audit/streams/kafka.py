"""A sink that speaks Kafka's protocol: to Kafka, Redpanda, or whatever else answers it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from confluent_kafka import KafkaException, Producer

from compliance.audit.streams.types import SinkAway, StreamEvent, envelope

DURABLE: Final = {
    "acks": "all",  # every in-sync replica has it
    "enable.idempotence": True,  # a retry of the producer's is not a second message
    "compression.type": "zstd",
    "linger.ms": 5,
}
PATIENCE_S: Final = 30.0

logger = logging.getLogger(__name__)


class KafkaSink:
    """Sends events to a topic, keyed by their ids. Order holds within a partition only; headers have the position."""

    def __init__(
        self, servers: str, topic: str, *, patience_s: float = PATIENCE_S, more: Mapping[str, Any] | None = None
    ) -> None:
        """`more` is librdkafka's configuration (TLS, SASL); it cannot weaken how durably messages are sent."""
        self._topic, self._patience_s = topic, patience_s
        timeouts = {"delivery.timeout.ms": int(patience_s * 1000), "client.id": "clerestory-audit"}
        self._producer = Producer({**(more or {}), **timeouts, **DURABLE, "bootstrap.servers": servers}, logger=logger)

    def deliver(self, events: Sequence[StreamEvent]) -> None:
        """Send events and wait until all are acknowledged. Raises SinkAway."""
        refused: list[str] = []

        def told(error: Any, _: Any) -> None:
            if error is not None:
                refused.append(str(error))

        try:
            for event in events:
                self._send(event, told)
            left = self._producer.flush(self._patience_s)
        except KafkaException as error:
            raise SinkAway(f"The topic {self._topic} takes no events ({error}): they are sent again later.") from error
        if left or refused:
            self._producer.purge()
            why = refused[0] if refused else f"{left} were not acknowledged in {self._patience_s:.0f} s"
            raise SinkAway(f"The topic {self._topic} did not take all events ({why}): all are sent again later.")

    def _send(self, event: StreamEvent, told: Any) -> None:
        position = f"{event.position.leaf}.{event.position.place}"
        headers: list[tuple[str, str | bytes | None]] = [("kind", event.kind.encode()), ("position", position.encode())]
        value = envelope(event)
        while True:
            try:
                self._producer.produce(self._topic, key=str(event.id), value=value, headers=headers, on_delivery=told)
            except BufferError:  # its queue is full: let it send
                self._producer.poll(0.1)
            else:
                return
