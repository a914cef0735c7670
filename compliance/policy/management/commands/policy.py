"""`manage.py policy VERB`: show, prove and change policy sets. Exit 0: well, 1: faults, 2: it could not be done."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError

from compliance.audit.management.verbs.base import COULD_NOT, Verb, add_common, talk_of
from compliance.policy.management.verbs.changes import Activate, Approve, DryRun, Propose, Refuse, Versions
from compliance.policy.management.verbs.check import Check
from compliance.policy.management.verbs.show import Show
from compliance.policy.pack import PackRefused

VERBS: Final[tuple[type[Verb], ...]] = (Check, Show, Propose, DryRun, Approve, Refuse, Activate, Versions)


class Command(BaseCommand):
    """One verb a call."""

    help = "Show the policy set in force, prove that it breaks no invariant in any state of the router, or change it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The verbs and what each takes."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        for verb in VERBS:
            each = verbs.add_parser(verb.name, help=verb.help)
            add_common(each)
            verb().add_arguments(each)

    def handle(self, *_: Any, verb: str, as_json: bool, progress: bool | None = None, **options: Any) -> None:
        """Do what was asked."""
        (chosen,) = (each for each in VERBS if each.name == verb)
        try:
            status = chosen().run(talk_of(self.stdout, as_json=as_json, progress=progress), **options)
        except (DatabaseError, InterfaceError, OSError, PackRefused) as error:
            raise CommandError(f"This could not be done: {error}", returncode=COULD_NOT) from error
        if status:
            raise CommandError("Something is not as it must be: read the lines above.", returncode=status)
