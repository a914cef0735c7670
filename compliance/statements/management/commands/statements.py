"""`manage.py statements VERB`: sending statements of reasons and comparing them. Exit 0: well, 1: faults, 2: not done.

A verb is a class in `management/verbs/`, named in VERBS below.
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError

from compliance.audit.management.verbs.base import COULD_NOT, Verb, add_common, talk_of
from compliance.statements.management.verbs.export import BacklogVerb, Export
from compliance.statements.management.verbs.link import LinkCreator, UnlinkCreator
from compliance.statements.management.verbs.reconcile import Reconcile
from compliance.statements.management.verbs.standin import StandInVerb
from compliance.statements.management.verbs.unstated import Unstated

VERBS: Final[tuple[type[Verb], ...]] = (
    Export,
    BacklogVerb,
    Reconcile,
    Unstated,
    StandInVerb,
    LinkCreator,
    UnlinkCreator,
)


class Command(BaseCommand):
    """One verb a call."""

    help = "Send statements of reasons, say what waits, compare what was sent, link creators to accounts."

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
        except (DatabaseError, ImproperlyConfigured, InterfaceError, OSError) as error:
            raise CommandError(f"This could not be done: {error}", returncode=COULD_NOT) from error
        if status:
            raise CommandError("Not all is as it must be: read the lines above.", returncode=status)
