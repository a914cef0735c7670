"""`manage.py auditor add|revoke|list`: who may read the audit API with a key."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from compliance.audit.access import auditors
from compliance.audit.access.viewing import SCOPES
from compliance.audit.models import AuditorKey


class Command(BaseCommand):
    """One verb a call."""

    help = "Give an auditor a key, take it away, or list all."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The verbs and what each takes."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        add = verbs.add_parser("add", help="give out a key and show it, once")
        revoke = verbs.add_parser("revoke", help="take a key away, for good")
        for asked in (add, revoke):
            asked.add_argument("name", help="of the auditor: every view goes on record under it")
            asked.add_argument("--by", required=True, help="who does this")
            asked.add_argument("--why", required=True, help="and for what reason: it goes on record")
        add.add_argument("--approved-by", required=True, help="the second person, who approves it")
        add.add_argument("--days", type=int, required=True, help=f"for how long, 1 to {auditors.MOST_DAYS}")
        add.add_argument("--scopes", required=True, help=f"what for, separated by commas: {','.join(SCOPES)}")
        verbs.add_parser("list", help="name all keys")

    def handle(self, *_: Any, verb: str, **options: Any) -> None:
        """Do what was asked."""
        if verb == "list":
            for key in AuditorKey.objects.order_by("name"):
                self.stdout.write(f"{key.name}: {_state(key)}; {', '.join(key.scopes)}")
            return
        people = {name: options[name] for name in ("name", "by", "why")}
        try:
            if verb == "revoke":
                auditors.revoke(**people)
                self.stdout.write(f"{people['name']} reads nothing any more.")
                return
            given = {"days": options["days"], "approved_by": options["approved_by"]}
            self.stdout.write(auditors.add(**people, **given, scopes=options["scopes"].split(",")))
        except auditors.KeyRefused as error:
            raise CommandError(str(error)) from error


def _state(key: AuditorKey) -> str:
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at:%Y-%m-%d}"
    verb = "holds until" if key.expires_at > timezone.now() else "expired"
    return f"{verb} {key.expires_at:%Y-%m-%d}"
