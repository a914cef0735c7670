"""`manage.py replay SERVE_ID`, or `--last N`: decide served slates again and compare every byte."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from compliance.audit.models import ServeRecord
from compliance.audit.selectors import record_anywhere
from compliance.serving.replay import Replayer


class Command(BaseCommand):
    """Replays records; exits 1 when anything differs, naming what."""

    help = "Replay served slates from their records and report any byte that differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One serve id, or how many of the latest records."""
        parser.add_argument("serve_id", nargs="?", type=UUID, help="the serve id that a slate carries")
        parser.add_argument("--last", type=int, metavar="N", help="replay the latest N records instead")

    def handle(self, *args: Any, **options: Any) -> None:
        """Replay and report."""
        records = self._records(options["serve_id"], options["last"])
        replayer = Replayer()
        total = different = 0
        for record in records:
            total += 1
            outcome = replayer.replay(record)
            if outcome.environment_differs:
                self.stdout.write(f"{outcome.serve_id}: other environment ({', '.join(outcome.environment_differs)})")
            if not outcome.identical:
                different += 1
                if outcome.only_close:
                    promise = "which promises close scores, not the same bytes"
                    self.stdout.write(f"{outcome.serve_id}: scored with {', '.join(outcome.only_close)}, {promise}")
                for difference in outcome.differences:
                    self.stdout.write(f"{outcome.serve_id}: {difference}")
        self.stdout.write(f"{total} replayed, {total - different} identical, {different} different")
        if different:
            raise CommandError(f"{different} of {total} records do not replay to the bytes that were served.")

    def _records(self, serve_id: UUID | None, last: int | None) -> Any:
        if last is not None and last < 1:
            raise CommandError(f"--last must be at least 1, not {last}.")
        if last is not None and serve_id is None:
            return ServeRecord.objects.order_by("-id")[:last].iterator(chunk_size=200)
        if serve_id is None or last is not None:
            raise CommandError("Name one serve id, or --last N: for example `manage.py replay --last 1000`.")
        found = record_anywhere(serve_id)
        if found is None:
            raise CommandError(f"There is no serve record {serve_id}: copy the id from the list's own page.")
        return [found]
