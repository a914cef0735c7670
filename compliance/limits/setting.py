"""Writes of limits: one's own, and a guardian's for a child. Both hold, and the stricter decides (M6; SB 976)."""

from __future__ import annotations

import re
from typing import Final

from django.db import transaction
from django.utils import timezone

from compliance.audit.events import note
from compliance.subjects.models import Control, ControlKind, Subject

TARGETS: Final = {
    "daily_minutes": "minutes a day",
    "session_minutes": "minutes before a break",
    "sleep": "hours of sleep",
}
MOST_MINUTES: Final = 1440
MINUTES: Final = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)
HOURS: Final = re.compile(r"([01][0-9]|2[0-3])-([01][0-9]|2[0-4])", re.ASCII)


class LimitRefused(ValueError):
    """A limit that cannot be kept as it was given."""


@transaction.atomic
def set_limit(*, subject: Subject, target: str, value: str, guardian: Subject | None = None) -> Control:
    """Set a limit: minutes from 1 to 1440, or hours of sleep such as "22-07". Raises LimitRefused.

    A guardian's limit stands beside the child's own and those of other guardians, and none writes over another.
    Whether the guardian may is for `subjects.guardians` to say.
    """
    _check(target, value)
    Subject.objects.select_for_update().get(pk=subject.pk)
    held, _ = Control.objects.update_or_create(
        subject=subject,
        kind=ControlKind.LIMIT,
        target=target,
        by_guardian=guardian is not None,
        set_by=guardian,
        defaults={"value": value},
    )
    _note(subject, guardian, target, value)
    return held


@transaction.atomic
def clear_limit(*, subject: Subject, target: str, guardian: Subject | None = None) -> bool:
    """Take back the limit that one set oneself, as a person or as one guardian; say whether there was one."""
    held = Control.objects.filter(
        subject=subject, kind=ControlKind.LIMIT, target=target, by_guardian=guardian is not None, set_by=guardian
    )
    gone, _ = held.delete()
    if gone:
        _note(subject, guardian, target, "")
    return bool(gone)


def _check(target: str, value: str) -> None:
    if target not in TARGETS:
        raise LimitRefused(f"There is no limit {target[:40]!r}: set one of {', '.join(TARGETS)}.")
    if target == "sleep":
        hours = HOURS.fullmatch(value)
        if hours is None or int(hours[1]) == int(hours[2]) % 24:
            raise LimitRefused("Hours of sleep are two different hours from 00 to 24, such as 22-07: nothing was set.")
    elif not MINUTES.fullmatch(value) or int(value) > MOST_MINUTES:
        raise LimitRefused(f"A limit is a whole number of minutes from 1 to {MOST_MINUTES}: nothing was set.")


def _note(subject: Subject, guardian: Subject | None, target: str, value: str) -> None:
    who = {"service": subject.service, "pseudonym": str(subject.pseudonym), "epoch": subject.epoch}
    by = "guardian" if guardian is not None else "subject"
    what = {"by": who, "set_by": by, "control": "limit", "target": target, "value": value}
    note(kind="control", happened_at=timezone.now(), what=what, pseudonym=subject.pseudonym)
