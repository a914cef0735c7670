"""`manage.py sequencer`: write the log every second until told to stop. One process does; another waits its turn."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as AnyDatabaseError
from django.db import connection

from compliance.audit.log.reading import LogDamaged
from compliance.audit.place import log_place
from compliance.audit.sequencer import LogForked, LogPlace, NotAlone, alone, assign, publish

MOST_EVENTS: Final = 65_536
PATIENCE_S: Final = 5.0
"""How long to wait after the database went away, or while another process writes the log."""


class Command(BaseCommand):
    """Moves waiting commitments into the log, writes tiles, signs."""

    help = "Write the audit log: give waiting events their places, write the tiles, sign a checkpoint."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How often, and how much goes under one leaf."""
        parser.add_argument("--every", type=float, default=1.0, metavar="SECONDS", help="between two rounds")
        parser.add_argument("--batch", type=int, default=1, metavar="EVENTS", help="events under one leaf, 1 to 65,536")
        parser.add_argument("--once", action="store_true", help="one round, then stop")

    def handle(self, *_: Any, every: float, batch: int, once: bool, **__: Any) -> None:
        """Work until SIGTERM or SIGINT; a fork ends it with a sentence."""
        if not 1 <= batch <= MOST_EVENTS:
            raise CommandError(f"--batch must be 1 to {MOST_EVENTS:,}, not {batch}.")
        if not every > 0:
            raise CommandError(f"--every must be above 0 seconds, not {every}.")
        place = log_place()
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        try:
            if once:
                with alone():
                    self._round(place, batch)
                return
            self._work(place, batch, every, stop)
        except NotAlone as error:
            raise CommandError(str(error)) from error
        except (LogDamaged, LogForked) as error:
            raise CommandError(f"Nothing more is signed. {error}") from error

    def _work(self, place: LogPlace, batch: int, every: float, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                with alone():
                    while not stop.is_set():
                        self._round(place, batch)
                        stop.wait(every)
            except NotAlone:
                stop.wait(PATIENCE_S)
            except AnyDatabaseError as error:  # the queue keeps what comes; a new connection has to take the lock anew
                self.stderr.write(f"The database does not answer ({type(error).__name__}): trying again.")
                connection.close()
                stop.wait(PATIENCE_S)

    def _round(self, place: LogPlace, batch: int) -> None:
        while assign(events=MOST_EVENTS, batch=batch) == MOST_EVENTS:
            pass
        publish(place)
