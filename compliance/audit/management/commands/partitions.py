"""`manage.py partitions`: make the monthly partitions of the audit trail for a year ahead."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from compliance.audit.storage.partitions import MONTHS_AHEAD, make_ahead


class Command(BaseCommand):
    """Safe to run at any time, as often as one likes; the worker does it daily too."""

    help = "Make the audit trail's partitions ahead of time. Without one for its month no list is recorded, nor served."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How far ahead."""
        parser.add_argument("--months", type=int, default=MONTHS_AHEAD, help="how many ahead")

    def handle(self, *_: Any, months: int, **__: Any) -> None:
        """Make them and name each."""
        if not 1 <= months <= 120:
            raise CommandError(f"--months must be 1 to 120, not {months}.")
        made = make_ahead(now=timezone.now(), months=months)
        self.stdout.write("\n".join(made) or "All partitions are there already.")
