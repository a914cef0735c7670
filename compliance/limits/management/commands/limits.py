"""`manage.py limits effects [--day 2026-11-22]`: what a day's serving did to each tier."""

from __future__ import annotations

from datetime import UTC, date, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from compliance.limits.effects import TierEffect, effects_of


class Command(BaseCommand):
    """Print minutes, night minutes, opens and breaks by tier."""

    help = "What a day's serving did to each tier (UTC day; yesterday where none is named)."

    def add_arguments(self, parser: CommandParser) -> None:
        """One verb, and the day."""
        parser.add_argument("verb", choices=["effects"])
        parser.add_argument("--day", type=date.fromisoformat)

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one line a tier."""
        day = options["day"] or (timezone.now().astimezone(UTC) - timedelta(days=1)).date()
        found = effects_of(service=settings.SERVICE, day=day)
        self.stdout.write(f"{day}: means of each person who was served; 95 % interval of the minutes in brackets")
        for one in found:
            self.stdout.write(_line(one))
        if not found:
            self.stdout.write("Nobody was served that day.")


def _line(one: TierEffect) -> str:
    interval = "no interval" if one.interval is None else f"{one.interval[0]:.1f} to {one.interval[1]:.1f}"
    return (
        f"{one.tier:<11} {one.people:>7} people  {one.minutes:6.1f} min [{interval}]  {one.night_minutes:6.1f} at night"
        f"  {one.opens:5.1f} opens  {one.breaks_due} breaks due, {one.breaks_dismissed} dismissed"
    )
