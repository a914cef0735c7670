"""Reads of age signals: what holds for a subject at a moment."""

from __future__ import annotations

from datetime import datetime

from compliance.assurance.models import AgeSignal, TierContest
from compliance.assurance.standing import Signal, Standing, standing_of
from compliance.subjects.models import Subject


def signals_of(subject: Subject) -> list[Signal]:
    """Every signal, oldest first."""
    rows = AgeSignal.objects.filter(subject=subject).order_by("id")
    return [
        Signal(
            method=row.method,
            tier=row.tier,
            at=row.at,
            valid_until=row.valid_until,
            tier_expires_on=row.tier_expires_on,
        )
        for row in rows
    ]


def effective(subject: Subject, now: datetime) -> Standing:
    """The tier that holds now. The subject's row says it, until a proof that it rests on has ended."""
    until = subject.tier_valid_until
    if until is not None and now >= until:
        return standing_of(signals_of(subject), now, subject.timezone)
    return Standing(
        tier=subject.tier,
        assurance=subject.assurance,
        expires_on=subject.tier_expires_on,
        valid_until=until,
    )


def open_contest(subject: Subject) -> TierContest | None:
    """The contest that waits for a decision."""
    return TierContest.objects.filter(subject=subject, decided_at=None).first()


def latest_decision(subject: Subject) -> TierContest | None:
    """The contest that was decided last."""
    return TierContest.objects.filter(subject=subject).exclude(decided_at=None).order_by("-id").first()
