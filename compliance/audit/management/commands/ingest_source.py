"""`manage.py ingest_source add|renew|revoke|list`: who may post decisions that were taken elsewhere."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from compliance.audit.ingest import sources
from compliance.audit.ingest.models import IngestSource


class Command(BaseCommand):
    """One verb a call."""

    help = "Add a source of decisions, give it a new key, take its key away, or list all."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The verbs and what each takes."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        for verb, what in (
            ("add", "make a source and show its key, once"),
            ("renew", "replace a source's key and show the new one, once"),
            ("revoke", "take a source's key away"),
        ):
            asked = verbs.add_parser(verb, help=what)
            asked.add_argument("name")
            asked.add_argument("--by", required=True, help="who does this")
            asked.add_argument("--why", required=True, help="and for what reason: it goes on record")
        verbs.add_parser("list", help="name all sources")

    def handle(self, *_: Any, verb: str, **options: Any) -> None:
        """Do what was asked."""
        if verb == "list":
            for source in IngestSource.objects.order_by("name"):
                state = f"revoked {source.revoked_at:%Y-%m-%d}" if source.revoked_at else "may write"
                self.stdout.write(f"{source.name}: {state}, since {source.created_at:%Y-%m-%d}")
            return
        act = {name: options[name] for name in ("name", "by", "why")}
        try:
            if verb == "revoke":
                sources.revoke(**act)
                self.stdout.write(f"{act['name']} writes nothing any more.")
            else:
                key = sources.add(service=settings.SERVICE, **act) if verb == "add" else sources.renew(**act)
                self.stdout.write(key)
        except sources.SourceRefused as error:
            raise CommandError(str(error)) from error
