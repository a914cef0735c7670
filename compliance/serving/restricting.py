"""Decisions about items as they hold for one person: what is withheld, and what is demoted, each with its statement."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from compliance.assurance.selectors import effective
from compliance.policy.types import Plan
from compliance.statements import selectors
from compliance.subjects.models import Subject
from ranking.catalogue.models import Item
from ranking.catalogue.selectors import eligible_items
from ranking.serving.types import Penalties


@dataclass(frozen=True, kw_only=True)
class Decided:
    """`ranking.serving.restrictions.Restrictions`, from decisions that have their statements (DSA Art. 17)."""

    service: str
    territory: str
    audience: str
    now: datetime

    def leave(self, items: QuerySet[Item]) -> QuerySet[Item]:
        """The items that are not removed, disabled or restricted to another age."""
        return items.exclude(
            id__in=selectors.restricted_items(
                service=self.service, territory=self.territory, audience=self.audience, now=self.now
            )
        )

    def penalties(self, item_ids: Collection[int]) -> Mapping[int, Penalties]:
        """Every decision that acts on each of these items."""
        found = selectors.penalties(
            self.service, item_ids, territory=self.territory, audience=self.audience, now=self.now
        )
        return {
            item_id: Penalties(tuple(str(one.decision_id) for one in acting), selectors.amount_of(acting))
            for item_id, acting in found.items()
        }


def restrictions_for(subject: Subject, *, tier: str, now: datetime) -> Decided:
    """What holds for a subject of this tier. Who cannot be placed falls under what holds anywhere (`scope.meets`)."""
    return Decided(service=subject.service, territory=subject.jurisdiction, audience=tier, now=now)


def still_eligible(item_ids: Collection[int], plan: Plan, restrictions: Decided) -> bool:
    """Whether each of a slate's items may still be in it: asked where the slate is recorded, since labels and decisions
    go on while one is made. One query, for plans that keep close records, which are minors' (`logging` "enhanced");
    others are not asked. DSA Art. 28(1) (D28).
    """
    if plan.logging != "enhanced" or not item_ids:
        return True
    items = eligible_items(
        service=restrictions.service, audiences=plan.audiences, hidden=(), confidence=plan.label_confidence
    )
    if plan.minor:
        items = items.filter(unsafe=[])
    wanted = set(item_ids)
    return restrictions.leave(items).filter(id__in=wanted).count() == len(wanted)


def labels_on(subject: Subject, item_id: int, *, now: datetime) -> tuple[str, ...]:
    """The labels that an item carries for this person, in words, as on its own page."""
    acting = restrictions_for(subject, tier=effective(subject, now).tier, now=now).penalties([item_id])
    cited = [UUID(one) for each in acting.values() for one in each.decisions]
    return tuple(selectors.labels_of(cited).values())
