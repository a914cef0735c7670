"""What the account page shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.utils import timezone

from compliance.assurance.selectors import effective
from compliance.policy.facts import active_policies, plan_for
from compliance.policy.types import Reason
from compliance.subjects.models import Assurance, Guardianship, Subject, Surface, Tier
from compliance.subjects.selectors import declared
from host.accounts.models import User
from host.dashboard.words import MODES

NO_RANKER_RULE: Final = "baseline.no-ranker"


@dataclass(frozen=True, kw_only=True)
class OrderInForce:
    """The order of one surface: in force now, and whether the person chose it."""

    surface: str
    words: str
    chosen: bool
    reason: Reason


@dataclass(frozen=True, kw_only=True)
class AccountPage:
    """Everything the account page says."""

    tier: str
    assurance: str
    expires_on: dt.date | None
    consented: bool
    objected: bool
    refusals: tuple[Reason, ...]  # see consent_barriers
    orders: tuple[OrderInForce, ...]
    guardians: tuple[str, ...]
    children: tuple[str, ...]


def consent_barriers(*, subject: Subject) -> tuple[Reason, ...]:
    """Return the rules other than consent that keep this person's lists from being personalised, whatever they say.

    A ranker that is away is none of them: it comes back.
    """
    lifted = active_policies().of_consent | {NO_RANKER_RULE}
    return tuple(
        reason
        for reason in plan_for(subject, Surface.HOME).reasons
        if reason.field == "offered_modes.personalised" and reason.rule not in lifted
    )


def account_page(*, subject: Subject) -> AccountPage:
    """Gather a person's declared facts and choices, and the orders in force with their rules."""
    said, standing = declared(subject), effective(subject, timezone.now())
    plans = {surface: plan_for(subject, surface) for surface in Surface}
    links = Guardianship.objects.filter(guardian=subject) | Guardianship.objects.filter(child=subject)
    linked = list(links.order_by("id"))
    names = _names({link.guardian_id for link in linked} | {link.child_id for link in linked})
    return AccountPage(
        tier=Tier(standing.tier).label,
        assurance=Assurance(standing.assurance).label,
        expires_on=standing.expires_on,
        consented=said.consented,
        objected=said.consent == "objected",
        refusals=consent_barriers(subject=subject),
        orders=tuple(
            OrderInForce(
                surface=surface.label,
                words=MODES[plan.feed_mode].sentence,
                chosen=said.mode_for(surface) == plan.feed_mode,
                reason=next(reason for reason in plan.reasons if reason.field == "feed_mode"),
            )
            for surface, plan in plans.items()
        ),
        guardians=tuple(names[link.guardian_id] for link in linked if link.child_id == subject.id),
        children=tuple(names[link.child_id] for link in linked if link.guardian_id == subject.id),
    )


def _names(subject_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the display name of each linked person; somebody without one stays nameless."""
    ids = list(subject_ids)
    users = User.objects.filter(subject_id__in=ids).values_list("subject_id", "display_name")
    named = {subject_id: name for subject_id, name in users if name}
    return dict.fromkeys(ids, "somebody without a name here") | named
