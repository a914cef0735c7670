"""`manage.py audit verify`: find everything that is not as it was recorded."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from compliance.audit.management.verbs.base import FAULTS, Talk, Verb
from compliance.audit.models import LogCheckpoint, LogEntry
from compliance.audit.place import log_place
from compliance.audit.verification import verify
from compliance.audit.verification.tally import Tally
from compliance.audit.witnessing import meters


class Verify(Verb):
    """Names every fault on a line of its own."""

    name = "verify"
    help = "find everything that is not as it was recorded"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How many processes."""
        parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes that check serve records")

    def run(self, talk: Talk, **options: Any) -> int:
        """Check all there is."""
        started, now, faults, tally = time.monotonic(), timezone.now(), [], Tally()
        checked = {"events": LogEntry.objects.count(), "checkpoints": LogCheckpoint.objects.count()}
        for fault in verify(log_place(), now=now, tally=tally, progress=talk.progress, jobs=max(1, options["jobs"])):
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
