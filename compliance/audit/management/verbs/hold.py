"""`manage.py audit hold`: place a legal hold, lift one, or list those in force."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from compliance.audit.keys.errors import OrderRefused
from compliance.audit.management.verbs.base import COULD_NOT, Talk, Verb
from compliance.audit.models import LegalHold
from compliance.audit.retention.holds import NoSuchHold, in_force, lift_hold, place_hold


class Hold(Verb):
    """What may not go. No scope at all holds everything."""

    name = "hold"
    help = "place a legal hold (two people), lift one (two people), or list those in force"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to do, by whom, and on what."""
        parser.add_argument("do", choices=("list", "place", "lift"))
        parser.add_argument("--id", type=UUID, help="the hold to lift")
        parser.add_argument("--by", default="")
        parser.add_argument("--approved-by", default="", help="the second person, who approves it")
        parser.add_argument("--why", default="", help="a short reason, nothing personal: the file number, say")
        parser.add_argument("--service", default="", help="of one service alone")
        parser.add_argument("--pseudonym", type=UUID, help="of one person alone")
        parser.add_argument("--since", type=date.fromisoformat, help="what was recorded from this day on")
        parser.add_argument("--until", type=date.fromisoformat, help="and before this one")

    def run(self, talk: Talk, **options: Any) -> int:
        """Do it, then say what is in force."""
        do = options["do"]
        who: dict[str, Any] = {name: options[name] for name in ("by", "approved_by", "why")}
        try:
            if do == "place":
                scope = {name: options[name] for name in ("service", "pseudonym", "since", "until")}
                talk.say(f"placed {place_hold(**who, **scope).id}")
            elif do == "lift":
                if options["id"] is None:
                    raise CommandError("Say which hold to lift: --id.", returncode=COULD_NOT)
                lift_hold(hold_id=options["id"], **who)
        except (NoSuchHold, OrderRefused) as error:
            raise CommandError(str(error), returncode=COULD_NOT) from error
        holds = list(in_force())
        for hold in holds:
            talk.say(f"{hold.id}  since {hold.placed_at:%Y-%m-%d}, {hold.by} and {hold.approved_by}: {hold.why}")
        talk.say(f"{len(holds)} holds in force")
        talk.document({"verb": self.name, "holds": [_said(hold) for hold in holds]})
        return 0


def _said(hold: LegalHold) -> dict[str, Any]:
    return {
        "id": str(hold.id),
        "service": hold.service,
        "pseudonym": None if hold.pseudonym is None else str(hold.pseudonym),
        "since": None if hold.since is None else hold.since.isoformat(),
        "until": None if hold.until is None else hold.until.isoformat(),
        "why": hold.why,
        "by": hold.by,
        "approved_by": hold.approved_by,
        "placed_at": hold.placed_at.isoformat(),
    }
