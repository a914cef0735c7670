"""What the age page shows."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from compliance.assurance.models import TierContest
from compliance.assurance.providers import KeysRefused, trusted_keys
from compliance.assurance.selectors import effective, latest_decision, open_contest
from compliance.assurance.standing import Standing, asked_again
from compliance.subjects.models import Assurance, Subject, Tier

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class AgePage:
    """Everything the age page says."""

    standing: Standing
    tier: str
    assurance: str
    asked_again: bool
    issuers: tuple[str, ...]
    waiting: TierContest | None
    decided: TierContest | None


def age_page(*, subject: Subject, now: datetime) -> AgePage:
    """Gather what holds, how it is known, and what a person can do about it."""
    standing = effective(subject, now)
    return AgePage(
        standing=standing,
        tier=Tier(standing.tier).label,
        assurance=Assurance(standing.assurance).label,
        asked_again=asked_again(standing.expires_on, now, subject.timezone),
        issuers=_issuers(),
        waiting=open_contest(subject),
        decided=latest_decision(subject),
    )


def _issuers() -> tuple[str, ...]:
    try:
        return tuple(sorted({key.issuer for key in trusted_keys().values()}))
    except KeysRefused:
        logger.exception("No age provider is trusted, for their keys cannot be read.")
        return ()
