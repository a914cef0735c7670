"""`manage.py audit verify`: find everything that is not as it was recorded."""

from __future__ import annotations

import time
from typing import Any

from django.utils import timezone

from compliance.audit.management.verbs.base import FAULTS, Talk, Verb
from compliance.audit.models import LogCheckpoint, LogEntry
from compliance.audit.place import log_place
from compliance.audit.verification import verify


class Verify(Verb):
    """Names every fault on a line of its own."""

    name = "verify"
    help = "find everything that is not as it was recorded"

    def run(self, talk: Talk, **_: Any) -> int:
        """Check all there is."""
        started, now, faults = time.monotonic(), timezone.now(), []
        checked = {"events": LogEntry.objects.count(), "checkpoints": LogCheckpoint.objects.count()}
        for fault in verify(log_place(), now=now):
            faults.append(fault)
            talk.say(fault)
        seconds = round(time.monotonic() - started, 3)
        talk.say(f"{checked['events']:,} events in the log, {len(faults):,} faults")
        talk.document({"verb": self.name, "at": now.isoformat(), "checked": checked, "faults": faults, "s": seconds})
        return FAULTS if faults else 0
