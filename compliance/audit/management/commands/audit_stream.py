"""`manage.py audit_stream`: hand the signed log's events on to a folder or a Kafka topic, from where it stopped."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError, connection

from compliance.audit.streams.files import LinesSink, ParquetSink
from compliance.audit.streams.kafka import KafkaSink
from compliance.audit.streams.pump import LogSource, StreamBusy, pump
from compliance.audit.streams.types import EventSink, SinkAway

FORMS: Final = "lines:/folder, parquet:/folder or kafka:host:port[,host:port]/topic"


class Command(BaseCommand):
    """At least once: whoever reads keeps each event id once."""

    help = "Hand the signed log's events on, in order, to a folder or a Kafka topic."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to, and how often to look."""
        parser.add_argument("name", help="the stream's name: its place in the log is kept under it")
        parser.add_argument("--to", required=True, help=FORMS)
        parser.add_argument("--at-once", type=int, default=1_000, metavar="EVENTS", help="events a delivery")
        parser.add_argument("--every", type=float, default=1.0, metavar="SECONDS", help="between looks at the log")
        parser.add_argument("--once", action="store_true", help="what there is, then stop")

    def handle(self, *_: Any, name: str, to: str, at_once: int, every: float, once: bool, **__: Any) -> None:
        """Deliver until SIGTERM or SIGINT. A sink or a database that is away is tried again."""
        if at_once < 1 or not every > 0:
            raise CommandError("--at-once must be at least 1 and --every above 0.")
        sink, source, stop = _sink(to), LogSource(), threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        while not stop.is_set():
            try:
                sent = pump(name=name, source=source, sink=sink, limit=at_once)
            except StreamBusy as error:
                raise CommandError(str(error)) from error
            except (SinkAway, OperationalError, InterfaceError) as error:
                if once:
                    raise CommandError(str(error)) from error
                self.stderr.write(f"Trying again: {error}")
                connection.close()
                sent = 0
            if sent < at_once:
                if once:
                    return
                stop.wait(every)


def _sink(to: str) -> EventSink:
    form, _, where = to.partition(":")
    if form == "lines" and where:
        return LinesSink(folder=Path(where))
    if form == "parquet" and where:
        return ParquetSink(folder=Path(where))
    servers, _, topic = where.partition("/")
    if form == "kafka" and servers and topic:
        return KafkaSink(servers, topic)
    raise CommandError(f"--to {to} is no place for events: give {FORMS}.")
