"""`manage.py statements export` and `backlog`: send what waits, and say what has not been sent."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from compliance.audit.management.verbs.base import FAULTS, Talk, Verb
from compliance.statements.export.backlog import backlog
from compliance.statements.export.sending import send_waiting
from compliance.statements.models import State, Submission
from compliance.statements.tasks import client_of_settings

SHOWN = 20


class Export(Verb):
    """Send what is due. Exit 1: the database asked for patience, or refused something."""

    name = "export"
    help = "send the statements that wait to the DSA Transparency Database, in batches of at most 100"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How many."""
        parser.add_argument("--most", type=int, default=10_000, help="so many statements at most (10,000)")

    def run(self, talk: Talk, **options: Any) -> int:
        """Send, and say what came of it."""
        client = client_of_settings()
        if client is None:
            raise ImproperlyConfigured("there is no address to send to: set CLERESTORY_STATEMENTS_URL.")
        sent = send_waiting(client, most=options["most"])
        talk.say(
            f"{sent.created:,} sent, {sent.was_there:,} were there already, {sent.refused:,} refused, "
            f"{sent.different:,} held otherwise, in {sent.requests:,} requests"
        )
        if sent.halted:
            talk.say(sent.halted)
        talk.document({"verb": self.name, **asdict(sent)})
        return FAULTS if sent.halted or sent.refused or sent.different else 0


class BacklogVerb(Verb):
    """What has not been sent, and why. Exit 1: somebody must act."""

    name = "backlog"
    help = "say what has not reached the public database, how old it is, and what is wrong with it"

    def run(self, talk: Talk, **_: Any) -> int:
        """Say it."""
        found = backlog(timezone.now())
        oldest = "nothing" if found.oldest_s is None else f"the oldest for {found.oldest_s / 3600:.1f} hours"
        talk.say(f"{found.waiting:,} waiting, {found.refused:,} refused, {found.different:,} held otherwise: {oldest}")
        rows = Submission.objects.exclude(state=State.SENT).exclude(problem="").order_by("queued_at")[:SHOWN]
        problems = [(str(row.pk), row.problem) for row in rows]
        for number, problem in problems:
            talk.say(f"  {number}: {problem}")
        if found.alarm:
            talk.say(found.alarm)
        talk.document({"verb": self.name, **asdict(found), "alarm": found.alarm, "problems": problems})
        return FAULTS if found.alarm else 0
