"""`manage.py audit verify|prove|bundle|rebuild|key`: what an operator does with the log. Exit 1: something is wrong."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from compliance.audit import evidence
from compliance.audit.heads import CopyAway, LogForked
from compliance.audit.log.reading import LogDamaged
from compliance.audit.models import LogEntry
from compliance.audit.place import log_place
from compliance.audit.sequencer import NotAlone, alone, rebuild
from compliance.audit.verification import verify


class Command(BaseCommand):
    """One verb a call."""

    help = "Verify the audit log, prove that an event is in it, hand out evidence, or write its tiles anew."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The verbs and what each takes."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        check = verbs.add_parser("verify", help="find everything that is not as it was recorded")
        check.add_argument("--json", action="store_true", help="one JSON document instead of lines")
        prove = verbs.add_parser("prove", help="print the receipt (.tlog-proof) of one event")
        prove.add_argument("event_id", type=UUID)
        bundle = verbs.add_parser("bundle", help="write the evidence of one event for an auditor to check offline")
        bundle.add_argument("event_id", type=UUID)
        bundle.add_argument("--out", type=Path, required=True, help="the zip file to write")
        verbs.add_parser("rebuild", help="write missing tiles and the checkpoint again, from the database")
        verbs.add_parser("key", help="print the key that auditors verify with")

    def handle(self, *_: Any, verb: str, **options: Any) -> None:
        """Do what was asked."""
        try:
            getattr(self, f"_{verb}")(**{name: options[name] for name in _TAKES[verb]})
        except evidence.NotProven as error:
            raise CommandError(str(error)) from error

    def _verify(self, json: bool) -> None:
        faults = []
        for fault in verify(log_place(), now=timezone.now()):
            faults.append(fault)
            if not json:
                self.stdout.write(fault)
        events = LogEntry.objects.count()
        if json:
            self.stdout.write(_dumped({"events": events, "faults": faults}))
        else:
            self.stdout.write(f"{events:,} events in the log, {len(faults):,} faults")
        if faults:
            raise CommandError(f"{len(faults):,} things are not as they were recorded.")

    def _prove(self, event_id: UUID) -> None:
        self.stdout.write(evidence.receipt_of(log_place(), event_id), ending="")

    def _bundle(self, event_id: UUID, out: Path) -> None:
        out.write_bytes(evidence.bundle_of(log_place(), event_id))
        self.stdout.write(f"{out}: check it with verify_evidence.py and the key {log_place().verifier.encode()}")

    def _rebuild(self) -> None:
        place = log_place()
        try:
            with alone():
                moved = rebuild(place)
        except (CopyAway, LogDamaged, LogForked, NotAlone) as error:
            raise CommandError(f"Nothing was rebuilt. {error}") from error
        for name in moved:
            self.stdout.write(f"moved aside: {name}")
        self.stdout.write(f"The signed log's files are as the database has them; {len(moved)} were moved aside.")

    def _key(self) -> None:
        self.stdout.write(log_place().verifier.encode())


_TAKES = {"verify": ("json",), "prove": ("event_id",), "bundle": ("event_id", "out"), "rebuild": (), "key": ()}


def _dumped(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1)
