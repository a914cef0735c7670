"""Whether a push may be sent to somebody now, and how many a day: decided and counted by the server (M3; SB 976).

Nothing here sends anything: whoever does asks `take_push` first, and sends only what it lets out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction

from compliance.limits.models import PushSent
from compliance.policy.clock import local_day
from compliance.policy.facts import Planned, make_plan
from compliance.subjects.models import Subject, Surface
from compliance.subjects.zones import zones_of

ASLEEP: Final = "Nothing is pushed in hours of sleep that were set for you (rule control.limit)."


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a push may go out; if not, the sentence that says why."""

    allowed: bool
    reason: str = ""


def may_push(subject: Subject, now: datetime) -> Verdict:
    """Whether a push may go out now, by its rules' window, the person's own hours of sleep, and the day's most."""
    planned = make_plan(subject, Surface.HOME, 1, now)
    plan = planned.plan
    if plan.push != "allowed":
        return Verdict(allowed=False, reason=_words(planned, "push"))
    if "asleep" in plan.closed:
        return Verdict(allowed=False, reason=ASLEEP)
    if _sent_today(subject, now) >= plan.push_per_day:
        most = f"{plan.push_per_day} a day were sent already."
        return Verdict(allowed=False, reason=f"{most} {_words(planned, 'push_per_day')}")
    return Verdict(allowed=True)


@transaction.atomic
def take_push(*, subject: Subject, now: datetime) -> Verdict:
    """`may_push`, and the push is counted if it may. Two at once never pass as one: the person's row is locked."""
    held = Subject.objects.select_for_update().get(pk=subject.pk)
    verdict = may_push(held, now)
    if verdict.allowed:
        PushSent.objects.create(subject=held, sent_at=now)
    return verdict


def _sent_today(subject: Subject, now: datetime) -> int:
    """Pushes of the local day; for a day after a change of time zone, of the days in both zones."""
    since = min(local_day(now, zone).begins for zone in zones_of(subject, now))
    return PushSent.objects.filter(subject=subject, sent_at__gte=since).count()


def _words(planned: Planned, field: str) -> str:
    why = next(reason for reason in planned.plan.reasons if reason.field == field)
    return f"{why.words} (rule {why.rule}, {why.law})"
