"""`manage.py audit retain`: move closed months to the cold tier, and delete those whose retention has ended."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any, Final

from django.core.management.base import CommandError
from django.utils import timezone

from compliance.audit.cold.errors import ColdDamaged
from compliance.audit.cold.place import cold_store
from compliance.audit.keys.errors import OrderRefused
from compliance.audit.management.verbs.base import COULD_NOT, FAULTS, Talk, Verb
from compliance.audit.place import log_place
from compliance.audit.retention.plan import Step, plan
from compliance.audit.retention.services import WHY, Busy, HoldsChanged, retain

DUE: Final = 3
"""Exit status of a dry run: something is due."""


class Retain(Verb):
    """Two people, or `--by schedule` for what the classes let the schedule move."""

    name = "retain"
    help = "move closed months to the cold tier and delete what may go; --dry-run says what and why (exit 3: some is)"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Who orders it, or only a look."""
        parser.add_argument("--dry-run", action="store_true", help="say what is due and why the rest stays")
        parser.add_argument("--by", default="", help="who orders it")
        parser.add_argument("--approved-by", default="", help="the second person, who approves it")
        parser.add_argument("--why", default=WHY, help="a short reason, nothing personal")

    def run(self, talk: Talk, **options: Any) -> int:
        """Plan, or do what the plan says."""
        who: dict[str, Any] = {name: options[name] for name in ("by", "approved_by", "why")}
        today = timezone.now().date()
        try:
            if options["dry_run"]:
                return self._look(talk, plan(today))
            done = []
            for step, wrong in retain(today=today, place=log_place(), store=cold_store(), **who):
                done.append({**_said(step), "wrong": wrong})
                talk.say(f"{step.act} {step.table} {step.period:%Y-%m}: {wrong or 'done'}")
                talk.progress("months", len(done))
        except (Busy, ColdDamaged, HoldsChanged, OrderRefused) as error:
            raise CommandError(f"Nothing more was done. {error}", returncode=COULD_NOT) from error
        talk.say(f"{len(done)} months, {sum(bool(each['wrong']) for each in done)} of them could not be done")
        talk.document({"verb": self.name, "done": done})
        return FAULTS if any(each["wrong"] for each in done) else 0

    def _look(self, talk: Talk, steps: list[Step]) -> int:
        for step in steps:
            talk.say(f"{step.state:5} {step.act:6} {step.because}")
        talk.document({"verb": self.name, "steps": [_said(step) for step in steps]})
        if due := sum(step.state == "due" for step in steps):
            raise CommandError(f"{due} months are due: two people can have it done.", returncode=DUE)
        return 0


def _said(step: Step) -> dict[str, Any]:
    return {
        "act": step.act,
        "state": step.state,
        "table": step.table,
        "period": step.period.isoformat(),
        "classes": list(step.retention),
        "bytes": step.size,
        "because": step.because,
        "by_schedule": step.unattended,
    }
