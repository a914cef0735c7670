"""`manage.py replay`: decide served slates again from their records, and say which grade held and what differed."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from compliance.audit.management.verbs.base import add_common, talk_of
from compliance.serving.replay.verb import ReplayVerb


class Command(BaseCommand):
    """The same as `manage.py audit replay`."""

    help = "Replay served slates from their records and report the grade that held, and every byte that differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which records."""
        ReplayVerb().add_arguments(parser)
        add_common(parser)

    def handle(self, *_: Any, as_json: bool, progress: bool | None = None, **options: Any) -> None:
        """Replay and report."""
        status = ReplayVerb().run(talk_of(self.stdout, as_json=as_json, progress=progress), **options)
        if status:
            raise CommandError("Some records do not keep what they promised: read the lines above.", returncode=status)
