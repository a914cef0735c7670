"""`manage.py essential VERB`: notices that everyone needs. Exit 0: done, 2: it could not be done."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError

from compliance.audit.management.verbs.base import COULD_NOT, Verb, add_common, talk_of
from compliance.policy.management.verbs.essential import Declare, End, Listed

VERBS: Final[tuple[type[Verb], ...]] = (Declare, End, Listed)


class Command(BaseCommand):
    """One verb a call."""

    help = "Declare what everyone in a region needs (breaking news, safety), end it, or list what stands."

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
            chosen().run(talk_of(self.stdout, as_json=as_json, progress=progress), **options)
        except (DatabaseError, InterfaceError) as error:
            raise CommandError(f"This could not be done: {error}", returncode=COULD_NOT) from error
