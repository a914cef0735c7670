"""`manage.py statements unstated`: penalties in serve records that no statement of reasons stands behind."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from compliance.audit.management.verbs.base import FAULTS, Talk, Verb
from compliance.audit.models import ServeRecord
from compliance.audit.selectors import documents_of
from compliance.statements.unstated import unstated_demotions, unstated_in

SHOWN = 50


class Unstated(Verb):
    """One query over what was applied; with `--open`, the newest records themselves. Exit 1: there is one."""

    name = "unstated"
    help = "count penalties in the serve log that have no statement of reasons (DSA Art. 17)"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How many records to open."""
        parser.add_argument("--open", type=int, default=0, dest="opened", help="open so many of the newest records too")

    def run(self, talk: Talk, **options: Any) -> int:
        """Count, look, and say."""
        count = unstated_demotions()
        records = ServeRecord.objects.filter(source="").order_by("-id")[: options["opened"]]
        faults = list(unstated_in((record.id, document) for record, document in documents_of(records)))
        for fault in faults[:SHOWN]:
            talk.say(f"{fault.record_id}: {fault.words}")
        talk.say(f"{count:,} applied penalties without a statement, {len(faults):,} faults in opened records")
        talk.document({"verb": self.name, "unstated": count, "faults": len(faults)})
        return FAULTS if count or faults else 0
