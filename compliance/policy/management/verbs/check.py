"""`manage.py policy check`: every state of the router, and a witness for each invariant that is broken."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from compliance.audit.management.verbs.base import FAULTS, Talk, Verb
from compliance.policy.checking.check import PARTS, Checked, check
from compliance.policy.checking.invariants import TOTAL, UNKNOWN
from compliance.policy.management.verbs.sets import add_set, sets_of

INVARIANTS = sorted({one.id for part in PARTS for one in part.invariants} | {TOTAL.id, UNKNOWN.id})


class Check(Verb):
    """Exit 0: nothing is broken in any state. 1: something is."""

    name = "check"
    help = "look at every state of the router and prove the invariants; a witness for each that is broken"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which set, and which invariant."""
        add_set(parser)
        parser.add_argument("--only", choices=INVARIANTS, default="", metavar="INVARIANT", help=", ".join(INVARIANTS))

    def run(self, talk: Talk, **options: Any) -> int:
        """Check each size of service."""
        found: list[Checked] = []
        for policies in sets_of(options["packs"], options["size"]):
            found.append(check(policies, only=options["only"]))
            _say(talk, found[-1])
        talk.document({"checked": [asdict(one) for one in found]})
        return FAULTS if any(one.findings for one in found) else 0


def _say(talk: Talk, checked: Checked) -> None:
    talk.say(
        f"{checked.size}: {checked.states:,} states in {checked.classes:,} classes, {checked.plans:,} plans made, "
        f"{checked.seconds:.1f} s, {len(checked.findings)} broken (policy set {checked.policy_sha256[:12]})"
    )
    for one in checked.findings:
        talk.say(f"BROKEN {one.invariant} (row {one.row}; {one.law}): {one.words}. Seen: {one.seen}.")
        talk.say(f"  in {one.states:,} states, such as {', '.join(f'{k}={v}' for k, v in one.witness.items())}")
