"""People with limits, and lists served to them at chosen moments."""

from __future__ import annotations

from datetime import datetime

from compliance.limits.models import UsageDay
from compliance.serving.door import serve
from compliance.serving.types import Context, Slate
from compliance.subjects.models import Assurance, Control, Subject, Tier
from tests.conftest import World


def teen(world: World, *, timezone: str = "UTC", tier: Tier = Tier.TEEN, **limits: object) -> Subject:
    """Somebody new, with limits that a guardian set."""
    fields = {"tier": tier, "assurance": Assurance.SELF_DECLARED, "timezone": timezone}
    subject = Subject.objects.create(service=world.service, **fields)
    for target, value in limits.items():
        Control.objects.create(subject=subject, kind="limit", target=target, value=str(value), by_guardian=True)
    return subject


def serve_at(
    subject: Subject, now: datetime, *, key: str = "", surface: str = "home", anchor: int | None = None
) -> Slate:
    """One list at a moment."""
    context = Context(surface=surface, now=now, timezone=subject.timezone, anchor_id=anchor)
    return serve(subject=subject, context=context, idempotency_key=key)


def day_of(subject: Subject) -> UsageDay:
    """The day served last."""
    return UsageDay.objects.filter(subject=subject).latest("last_served_at")
