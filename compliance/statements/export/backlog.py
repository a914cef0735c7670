"""What has not reached the public database, and when to ring: before a day has passed (DSA Art. 24(5) (D24))."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db.models import Count, Min

from compliance.statements.models import State, Submission

ALARM_S: Final = 20 * 3600
"""Without undue delay is read as a day; the alarm leaves four hours of it to act."""


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """Counts of what was not sent, and the age of the oldest in seconds; None where there is none."""

    waiting: int
    refused: int
    different: int
    oldest_s: float | None
    configured: bool

    @property
    def alarm(self) -> str:
        """A sentence where somebody must act; empty where nobody must."""
        if not self.configured:  # a service too small for the duty sends nothing (DSA Art. 19)
            return ""
        if self.oldest_s is not None and self.oldest_s > ALARM_S:
            return (
                f"A statement of reasons has not reached the public database for {self.oldest_s / 3600:.0f} hours: "
                "look at `manage.py statements backlog` (DSA Art. 24(5))."
            )
        if self.different:
            return "The public database holds another body under one of our identifiers: compare them."
        return ""


def backlog(now: datetime) -> Backlog:
    """Count it. What was refused is not sent either, and ages with the rest."""
    rows = Submission.objects.exclude(state=State.SENT).order_by().values_list("state")
    found = {state: (count, first) for state, count, first in rows.annotate(Count("pk"), Min("queued_at"))}
    counts = {state: found[state][0] if state in found else 0 for state in State}
    firsts = [first for _, first in found.values()]
    return Backlog(
        waiting=counts[State.WAITING],
        refused=counts[State.REFUSED],
        different=counts[State.DIFFERENT],
        oldest_s=(now - min(firsts)).total_seconds() if firsts else None,
        configured=bool(settings.STATEMENTS["url"]),
    )
