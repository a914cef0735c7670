"""`manage.py promote MODEL --why "…"`: put a registered model before people, on record."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from compliance.serving.promotion import promote


class Command(BaseCommand):
    """Records the act, then does it."""

    help = "Make a registered model live. Who did it and why goes into the audit log first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which model, and why."""
        parser.add_argument("sha256", help="the address that `manage.py train` printed")
        parser.add_argument("--why", required=True, help="the reason, for the record")
        parser.add_argument("--by", default=getpass.getuser(), help="who decides (default: this account)")

    def handle(self, *_: Any, sha256: str, why: str, by: str, **__: Any) -> None:
        """Promote, or say in one sentence why not."""
        from ranking.training.registry import ModelFileChangedError, ModelNotFoundError

        try:
            promote(service=settings.SERVICE, sha256=sha256, by=by, why=why)
        except (ModelFileChangedError, ModelNotFoundError, ValueError) as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(f"Live: {sha256}")
