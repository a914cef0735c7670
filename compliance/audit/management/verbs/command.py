"""`manage.py NAME VERB`: a command of several verbs. Exit 0: well, 1: faults, 2: it could not be done."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError

from compliance.audit.management.verbs.base import COULD_NOT, Verb, add_common, talk_of


class VerbCommand(BaseCommand):
    """One verb a call: a subclass names its verbs, and what may keep them from being done."""

    verbs: ClassVar[tuple[type[Verb], ...]]
    faults: ClassVar[str] = "Something is not as it must be: read the lines above."
    hindrances: ClassVar[tuple[type[Exception], ...]] = (DatabaseError, InterfaceError)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The verbs and what each takes."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        for verb in self.verbs:
            each = verbs.add_parser(verb.name, help=verb.help)
            add_common(each)
            verb().add_arguments(each)

    def handle(self, *_: Any, verb: str, as_json: bool, progress: bool | None = None, **options: Any) -> None:
        """Do what was asked."""
        (chosen,) = (each for each in self.verbs if each.name == verb)
        try:
            status = chosen().run(talk_of(self.stdout, as_json=as_json, progress=progress), **options)
        except self.hindrances as error:
            raise CommandError(f"This could not be done: {error}", returncode=COULD_NOT) from error
        if status:
            raise CommandError(self.faults, returncode=status)
