"""`manage.py audit prove|bundle|opening|key`: what an operator hands to somebody who checks without us."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from compliance.audit import evidence
from compliance.audit.keys.errors import OrderRefused
from compliance.audit.management.verbs.base import COULD_NOT, Talk, Verb
from compliance.audit.opening import hand_out
from compliance.audit.place import log_place


class Prove(Verb):
    """Prints a receipt."""

    name = "prove"
    help = "print the receipt (.tlog-proof) of one event"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which event."""
        parser.add_argument("event_id", type=UUID)

    def run(self, talk: Talk, **options: Any) -> int:
        """Make and print it."""
        try:
            receipt = evidence.receipt_of(log_place(), options["event_id"])
        except evidence.NotProven as error:
            raise CommandError(str(error), returncode=COULD_NOT) from error
        talk.say(receipt, ending="")
        talk.document({"verb": self.name, "event_id": str(options["event_id"]), "receipt": receipt})
        return 0


class Bundle(Verb):
    """Writes a zip."""

    name = "bundle"
    help = "write the evidence of one event for an auditor to check offline"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which event, and where to."""
        parser.add_argument("event_id", type=UUID)
        parser.add_argument("--out", type=Path, required=True, help="the zip file to write")

    def run(self, talk: Talk, **options: Any) -> int:
        """Make and write it."""
        place, out = log_place(), options["out"]
        try:
            content = evidence.bundle_of(place, options["event_id"])
        except evidence.NotProven as error:
            raise CommandError(str(error), returncode=COULD_NOT) from error
        out.write_bytes(content)
        vkey = place.verifier.encode()
        talk.say(f"{out}: check it with verify_evidence.py and the key {vkey}")
        said = {"event_id": str(options["event_id"]), "path": str(out), "bytes": len(content), "vkey": vkey}
        talk.document({"verb": self.name, **said})
        return 0


class Opening(Verb):
    """Writes what opens one sealed event."""

    name = "opening"
    help = "write what opens the sealed record in an evidence bundle, on the order of two people (open_evidence.py)"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which event, and where to."""
        parser.add_argument("event_id", type=UUID)
        parser.add_argument("--out", type=Path, required=True, help="the JSON file to write")
        parser.add_argument("--by", required=True, help="who orders it")
        parser.add_argument("--approved-by", required=True, help="who else approved it")
        parser.add_argument("--why", required=True, help="in a few words, without anything personal")

    def run(self, talk: Talk, **options: Any) -> int:
        """Put it on record, make it and write it."""
        out, order = options["out"], {name: options[name] for name in ("by", "approved_by", "why")}
        try:
            written = hand_out(options["event_id"], out, **order)
        except (evidence.NotProven, OrderRefused) as error:
            raise CommandError(str(error), returncode=COULD_NOT) from error
        if not written:
            raise CommandError(f"{out} is there already: name another file.", returncode=COULD_NOT)
        talk.say(f"{out}: whoever has it can read this one record. Hand it over apart from the evidence.")
        talk.document({"verb": self.name, "event_id": str(options["event_id"]), "path": str(out)})
        return 0


class Key(Verb):
    """Prints the verifier key."""

    name = "key"
    help = "print the key that auditors verify with"

    def run(self, talk: Talk, **_: Any) -> int:
        """Read it."""
        vkey = log_place().verifier.encode()
        talk.say(vkey)
        talk.document({"verb": self.name, "vkey": vkey})
        return 0
