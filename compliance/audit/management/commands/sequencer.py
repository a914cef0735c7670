"""`manage.py sequencer`: write the log every second until told to stop. One process does; another waits its turn."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from dataclasses import dataclass
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, InterfaceError, OperationalError, connection

from compliance.audit.heads import LogForked, LogPlace
from compliance.audit.log.batch import MAX_BATCH, BatchRefused
from compliance.audit.log.files import FileConflict
from compliance.audit.log.note import SigningKey
from compliance.audit.log.reading import LogDamaged
from compliance.audit.place import log_place, signing_key
from compliance.audit.sequencer import NotAlone, alone, assign, publish
from compliance.audit.witnessing import meters
from compliance.audit.witnessing.cosigner import IN_ROUND_S, Cosigner
from compliance.audit.witnessing.policy import witness_policy

PATIENCE_S: Final = 1.0
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
        """Work until SIGTERM or SIGINT; what must not be signed ends it with a sentence."""
        if not 1 <= batch <= MAX_BATCH:
            raise CommandError(f"--batch must be 1 to {MAX_BATCH:,}, not {batch}.")
        if not every > 0:
            raise CommandError(f"--every must be above 0 seconds, not {every}.")
        key = signing_key()
        work = _Work(place=log_place(), key=key, batch=batch, cosigner=Cosigner(witness_policy()))
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        try:
            if once:
                with alone():
                    work.round(wait_s=PATIENCE_S)
            else:
                self._go_on(work, every, stop)
        except NotAlone as error:
            raise CommandError(str(error)) from error
        except (BatchRefused, FileConflict, LogDamaged, LogForked) as error:
            raise CommandError(f"Nothing more is signed. {error} `manage.py audit rebuild` mends files.") from error
        except IntegrityError as error:
            raise CommandError(f"Nothing more is signed: `manage.py audit verify` names the row. {error}") from error

    def _go_on(self, work: _Work, every: float, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                with alone():
                    while not stop.is_set():
                        work.round()
                        stop.wait(every)
            except NotAlone:
                stop.wait(PATIENCE_S)
            except (OperationalError, InterfaceError, OSError) as error:
                # The queue keeps what comes. A new connection has to take the lock anew.
                self.stderr.write(f"The log cannot be written now, trying again: {error}")
                connection.close()
                stop.wait(PATIENCE_S)


@dataclass(frozen=True, kw_only=True)
class _Work:
    """What one round takes."""

    place: LogPlace
    key: SigningKey
    batch: int
    cosigner: Cosigner

    def round(self, *, wait_s: float = IN_ROUND_S) -> None:
        """Everything that waits, and a signature; then the witnesses are asked, and waited for that long."""
        taken = 0
        while (moved := assign(events=MAX_BATCH, batch=self.batch)) == MAX_BATCH:
            taken += moved
        publish(self.place, self.key)
        meters.add({"sequencer.rounds": 1, "sequencer.events": taken + moved})
        self.cosigner.round(self.place, wait_s=wait_s)
