"""`manage.py audit verify`: find everything that is not as it was recorded."""

from __future__ import annotations

import os
import time
from argparse import ArgumentParser
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from compliance.audit.management.verbs.base import FAULTS, Talk, Verb
from compliance.audit.models import LogCheckpoint, LogEntry
from compliance.audit.place import log_place
from compliance.audit.verification import verify
from compliance.audit.verification.tally import Tally
from compliance.audit.witnessing import meters

MANY: Final = 20_000


class Verify(Verb):
    """Names every fault on a line of its own."""

    name = "verify"
    help = "find everything that is not as it was recorded"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How many processes."""
        parser.add_argument(
            "--jobs",
            type=int,
            default=0,
            metavar="N",
            help="processes that check serve records and cold months; 0: as many as pay",
        )

    def run(self, talk: Talk, **options: Any) -> int:
        """Check all there is."""
        started, now, faults, tally = time.monotonic(), timezone.now(), [], Tally()
        checked = {"events": LogEntry.objects.count(), "checkpoints": LogCheckpoint.objects.count()}
        jobs = options["jobs"] if options["jobs"] > 0 else _jobs(checked["events"])
        for fault in verify(log_place(), now=now, tally=tally, progress=talk.progress, jobs=jobs):
            faults.append(fault)
            talk.say(fault)
        checked |= {"records": tally.records, "acts": tally.acts}
        found = {"faults": len(faults), "lost": tally.lost, "duplicated": tally.duplicated, "events": checked["events"]}
        meters.put({f"verify.{name}": value for name, value in found.items()})
        seconds = round(time.monotonic() - started, 3)
        talk.say(f"{checked['events']:,} events in the log, {len(faults):,} faults")
        said = {"lost": tally.lost, "duplicated": tally.duplicated, "faults": faults, "s": seconds}
        talk.document({"verb": self.name, "at": now.isoformat(), "checked": checked, **said})
        return FAULTS if faults else 0


def _jobs(events: int) -> int:
    """As many processes as there are cores, up to four, where there are so many events that it pays."""
    return min(4, os.cpu_count() or 1) if events > MANY and not connection.in_atomic_block else 1
