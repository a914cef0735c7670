"""Writes that policy must agree to first."""

from __future__ import annotations

from compliance.policy.facts import plan_for
from compliance.subjects import services
from compliance.subjects.models import FeedChoice, Subject


class ModeNotOffered(PermissionError):
    """An order was chosen that the plan does not offer."""


def choose_feed(*, subject: Subject, surface: str, feed_mode: str) -> FeedChoice:
    """Store a chosen order if the plan offers it. Raises ModeNotOffered with the rule and the law."""
    plan = plan_for(subject, surface)
    if feed_mode not in plan.offered_modes:
        whys = [reason for reason in plan.reasons if reason.field == f"offered_modes.{feed_mode}"]
        because = " ".join(f"{why.words} (rule {why.rule}, {why.law})" for why in whys) or "There is no such order."
        raise ModeNotOffered(f"{because} Choose one of: {', '.join(plan.offered_modes)}.")
    return services.choose_feed(subject=subject, surface=surface, feed_mode=feed_mode)
