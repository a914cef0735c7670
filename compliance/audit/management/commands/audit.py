"""`manage.py audit VERB`: what an operator does with the audit trail. Exit 0: well, 1: faults, 2: it could not be done.

A verb is a class in `management/verbs/`, named in VERBS below.
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError

from compliance.audit.management.verbs.base import COULD_NOT, Verb, add_common, talk_of
from compliance.audit.management.verbs.grants import Grants
from compliance.audit.management.verbs.hold import Hold
from compliance.audit.management.verbs.keys import Keys
from compliance.audit.management.verbs.proofs import Bundle, Key, Opening, Prove
from compliance.audit.management.verbs.rebuild import Rebuild
from compliance.audit.management.verbs.reconcile import Reconcile
from compliance.audit.management.verbs.retain import Retain
from compliance.audit.management.verbs.verify import Verify
from compliance.serving.replay.verb import ReplayVerb

VERBS: Final[tuple[type[Verb], ...]] = (
    Verify,
    Prove,
    Bundle,
    Opening,
    Rebuild,
    Key,
    Keys,
    Grants,
    Retain,
    Hold,
    Reconcile,
    ReplayVerb,
)


class Command(BaseCommand):
    """One verb a call."""

    help = "Verify the audit log, prove that an event is in it, hand out evidence, or write its tiles anew."

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
            raise CommandError("Some things are not as they were recorded: read the lines above.", returncode=status)
