"""`manage.py statements reconcile`: everything that was sent, read back against the decisions it is about."""

from __future__ import annotations

from argparse import ArgumentParser
from random import Random
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from compliance.audit.management.verbs.base import FAULTS, Talk, Verb
from compliance.statements.export.client import Away
from compliance.statements.export.reconciling import rate_of, reconcile
from compliance.statements.models import State, Submission
from compliance.statements.tasks import client_of_settings

SHOWN = 50


class Reconcile(Verb):
    """Each field derived again. Exit 1: one says something else, or a statement is not where it was sent."""

    name = "reconcile"
    help = "derive every field that was sent again from the decisions, and name those that say something else"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whether to ask the other side too."""
        parser.add_argument("--ask", type=int, default=0, help="ask the database for so many identifiers, drawn anew")

    def run(self, talk: Talk, **options: Any) -> int:
        """Compare, and say what disagrees."""
        made, wrong = reconcile(progress=lambda done: talk.progress("statements", done))
        for each in wrong[:SHOWN]:
            for mismatch in each.fields:
                talk.say(f"{each.decision_id}: {mismatch.field} was sent as {mismatch.sent!r}")
        missing = _missing(options["ask"])
        for puid in missing:
            talk.say(f"{puid} is on record as sent, and the database does not have it")
        talk.say(
            f"{made.statements:,} statements, {made.fields:,} fields, {made.mismatches:,} mismatches "
            f"({rate_of(made):.4%}), {len(missing):,} missing"
        )
        talk.document(
            {
                "verb": self.name,
                "statements": made.statements,
                "fields": made.fields,
                "mismatches": made.mismatches,
                "by_field": made.by_field,
                "wrong": [str(each.decision_id) for each in wrong],
                "missing": missing,
            }
        )
        return FAULTS if wrong or missing else 0


def _missing(ask: int) -> list[str]:
    """Identifiers of a sample of what was sent that the database does not have. Raises ImproperlyConfigured."""
    if not ask:
        return []
    client = client_of_settings()
    if client is None:
        raise ImproperlyConfigured("there is no address to ask: set CLERESTORY_STATEMENTS_URL.")
    sent = [str(pk) for pk in Submission.objects.filter(state=State.SENT).order_by("pk").values_list("pk", flat=True)]
    drawn = Random().sample(sent, min(ask, len(sent)))  # noqa: S311 - which to ask for, no secret
    try:
        return [puid for puid in drawn if not client.is_there(puid)]
    except Away as error:
        raise OSError(str(error)) from error
