"""`manage.py audit reconcile`: what other rankers say they sent, against what is on record of it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from compliance.audit.ingest.models import IngestSource
from compliance.audit.ingest.reconciling import Standing, standings
from compliance.audit.management.verbs.base import FAULTS, Talk, Verb
from ranking.catalogue.clock import to_ms


class Reconcile(Verb):
    """Every source, its claimed hours counted anew, and the numbers that have not come. Exit 1: some unexplained."""

    name = "reconcile"
    help = "count what sources claimed anew, hour by hour, and name the numbers that have not come"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How far back."""
        parser.add_argument("--days", type=int, default=28, help="hours of so many days (28)")

    def run(self, talk: Talk, **options: Any) -> int:
        """Say how each source stands."""
        found = []
        total = IngestSource.objects.count()
        for number, one in enumerate(standings(days=options["days"]), 1):
            talk.progress("sources", number, total)
            _say(talk, one)
            found.append(one)
        unexplained = sum(one.unexplained for one in found)
        talk.say(f"{len(found):,} sources, {unexplained:,} decisions unexplained")
        talk.document({"verb": self.name, "unexplained": unexplained, "sources": [_document(one) for one in found]})
        return FAULTS if unexplained else 0


def _say(talk: Talk, one: Standing) -> None:
    wrong = [hour for hour in one.hours if hour.unexplained]
    talk.say(f"{one.source}: {len(one.hours):,} hours claimed, {len(wrong):,} of them do not agree")
    for hour in wrong:
        talk.say(f"  {hour.hour:%Y-%m-%d %H}:00 claimed {hour.claimed:,}, on record {hour.on_record:,}")
    for first, last in one.gaps:
        talk.say(f"  numbers {first} to {last} have not come")


def _document(one: Standing) -> dict[str, Any]:
    hours = [{"hour_ms": to_ms(hour.hour), "claimed": hour.claimed, "on_record": hour.on_record} for hour in one.hours]
    gaps = [list(gap) for gap in one.gaps]
    return {"source": one.source, "unexplained": one.unexplained, "missing": one.missing, "gaps": gaps, "hours": hours}
