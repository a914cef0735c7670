"""`manage.py age_contests list`, or `decide ID --grant|--refuse --by NAME --why WORDS`: a person decides."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from compliance.assurance.models import TierContest
from compliance.assurance.selectors import effective
from compliance.assurance.services import AgeRefused, decide


class Command(BaseCommand):
    """List contests of age groups that wait, or decide one."""

    help = "List contests of age groups that wait for a person, or decide one."

    def add_arguments(self, parser: CommandParser) -> None:
        """Two verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list")
        deciding = verbs.add_parser("decide")
        deciding.add_argument("contest", type=int)
        outcome = deciding.add_mutually_exclusive_group(required=True)
        outcome.add_argument("--grant", action="store_true")
        outcome.add_argument("--refuse", action="store_true")
        deciding.add_argument("--by", required=True)
        deciding.add_argument("--why", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        """Do one of them."""
        if options["verb"] == "list":
            for one in TierContest.objects.filter(decided_at=None).select_related("subject").order_by("asked_at"):
                held = effective(one.subject, timezone.now()).tier
                self.stdout.write(f"{one.pk}: asked {one.asked_at:%Y-%m-%d}, {held} should be {one.wanted}")
            return
        try:
            decide(
                contest_id=options["contest"],
                granted=options["grant"],
                by=options["by"],
                why=options["why"],
                now=timezone.now(),
            )
        except (AgeRefused, TierContest.DoesNotExist) as error:
            raise CommandError(str(error)) from error
        self.stdout.write("Decided, and on record.")
