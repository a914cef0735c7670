"""`manage.py reconcile`: what sources claim against what is on record. Exit 1: something is unexplained."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from compliance.audit.ingest.reconciling import Standing, standings
from ranking.catalogue.clock import to_ms


class Command(BaseCommand):
    """Every source, its claimed hours counted anew, and the numbers that have not come."""

    help = "Compare the hourly counts that sources claimed with the record, and name missing sequence numbers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How far back, and in which form."""
        parser.add_argument("--days", type=int, default=28, help="hours of so many days (28)")
        parser.add_argument("--json", action="store_true", help="one JSON document instead of lines")

    def handle(self, *_: Any, days: int, **options: Any) -> None:
        """Print, and exit 1 where something is unexplained."""
        found = list(standings(days=days))
        if options["json"]:
            self.stdout.write(json.dumps({"sources": [_document(one) for one in found]}, indent=1))
        else:
            for one in found:
                self._say(one)
        unexplained = sum(one.unexplained for one in found)
        if unexplained:
            raise CommandError(f"{unexplained:,} decisions are unexplained.")

    def _say(self, one: Standing) -> None:
        wrong = [hour for hour in one.hours if hour.unexplained]
        self.stdout.write(f"{one.source}: {len(one.hours):,} hours claimed, {len(wrong):,} of them do not agree")
        for hour in wrong:
            self.stdout.write(f"  {hour.hour:%Y-%m-%d %H}:00 claimed {hour.claimed:,}, on record {hour.on_record:,}")
        for first, last in one.gaps:
            self.stdout.write(f"  numbers {first} to {last} have not come")


def _document(one: Standing) -> dict[str, Any]:
    hours = [{"hour_ms": to_ms(hour.hour), "claimed": hour.claimed, "on_record": hour.on_record} for hour in one.hours]
    gaps = [list(gap) for gap in one.gaps]
    return {"source": one.source, "unexplained": one.unexplained, "missing": one.missing, "gaps": gaps, "hours": hours}
