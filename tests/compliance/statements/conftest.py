"""A small world for statements: an item with a creator who has an account, moderators, a machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from compliance.statements.models import Actor, ActorKind, Automation, CreatorAccount, Ground, Kind, Source
from compliance.statements.services import actor, link_creator
from compliance.statements.types import Content, Means, NewDecision, Reasons
from compliance.subjects.models import Subject
from ranking.catalogue.models import Creator, Item

SERVICE: Final = "test"
NOW: Final = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Made:
    """The small world."""

    item: Item
    creator: Creator
    owner: Subject
    link: CreatorAccount
    moderator: Actor
    colleague: Actor
    machine: Actor

    def new(self, **changes: Any) -> NewDecision:
        """A good decision, with changes."""
        return replace(new_decision(self.item.pk, self.moderator), **changes)


def new_decision(item_id: int, by: Actor) -> NewDecision:
    """A demotion for clickbait, decided by a person (or by a machine alone)."""
    alone = by.kind == ActorKind.MACHINE
    return NewDecision(
        item_id=item_id,
        kind=Kind.DEMOTED,
        amount=250,
        rule="terms.clickbait",
        facts="The title promises a cure in three days; the film shows none and says at minute 41 that there is none.",
        reasons=Reasons(
            ground=Ground.INCOMPATIBLE,
            reference="Terms, section 4.2: misleading titles",
            explanation="A title must not promise what the film does not show.",
            category="SCAMS_AND_FRAUD",
            keywords=("INAUTHENTIC_LISTINGS",),
            also_illegal=False,
        ),
        means=Means(
            decided_by=by,
            automated_detection=True,
            automated_decision=Automation.FULLY if alone else Automation.PARTIALLY,
            source=Source.OWN_INITIATIVE,
        ),
        content=Content(types=("VIDEO",), language="EN"),
    )


def item_of(creator: Creator | None, number: int) -> Item:
    """A film."""
    return Item.objects.create(
        service=SERVICE,
        external_id=f"film-{number}",
        title=f"Film {number}",
        creator=creator,
        published_at=datetime(2025, 3, 4, tzinfo=UTC),
        suitable_from="child",
    )


@pytest.fixture
def made(db: None) -> Made:
    """Make it."""
    creator = Creator.objects.create(service=SERVICE, external_id="c-1", name="Marta Lindqvist")
    owner = Subject.objects.create(service=SERVICE, tier="adult")
    return Made(
        item=item_of(creator, 1),
        creator=creator,
        owner=owner,
        link=link_creator(creator=creator, subject=owner, now=NOW),
        moderator=actor(name="account 901", kind=ActorKind.PERSON),
        colleague=actor(name="account 902", kind=ActorKind.PERSON),
        machine=actor(name="classifier.titles-3", kind=ActorKind.MACHINE),
    )
