"""What the principles are told: the bounds that a plan sets, and what they may know of an item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from compliance.policy.constitution.special import TARGETING
from ranking.catalogue.selectors import CONFIDENCES

MILLE: Final = 1000
"""Shares are kept in whole thousandths, so that no rounding of floats ever decides about a place."""
"""How sure a label is, from not at all."""
EVERYTHING: Final = 1.0
"""A share of 1: the principle asks nothing."""


class Placeable(Protocol):
    """What a principle may know of an item that stands in a slate or may come to stand there."""

    @property
    def item_id(self) -> int:
        """The item."""

    @property
    def creator_id(self) -> int:
        """Who made it; 0: nobody known."""

    @property
    def new_creator(self) -> bool:
        """Whether its creator is new to the service."""

    @property
    def topics(self) -> tuple[str, ...]:
        """What it is about."""

    @property
    def suitable_from(self) -> str:
        """The youngest audience that its label names; empty: unlabelled."""

    @property
    def label_confidence(self) -> str:
        """How sure that label is: one of CONFIDENCES."""

    @property
    def unsafe(self) -> tuple[str, ...]:
        """Categories of harm that moderation or the classifier found in it."""

    @property
    def muted_words(self) -> tuple[str, ...]:
        """What its title has of the words that the person muted."""

    @property
    def promoted(self) -> bool:
        """Whether somebody pays for its place."""

    @property
    def promotion(self) -> str:
        """The label that says so to the person; empty: none is shown."""

    @property
    def targeting(self) -> tuple[str, ...]:
        """The predicates that chose this person for it (`key` or `key=value`)."""

    @property
    def essential(self) -> bool:
        """Whether it is mixed in as what everyone needs."""


class BoundsRefused(ValueError):
    """Bounds that no slate could be judged by."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What a plan asks of a finished slate. Shares are between 0 and 1, in whole thousandths.

    Shares of creators, topics and new creators are shares of the places that a full list has; the promoted share is
    one of the places that the list really has. One item of a creator or topic is always allowed.
    """

    slate_size: int
    audiences: tuple[str, ...]  # labels that may be shown; "" among them allows unlabelled items
    minor: bool
    min_label_confidence: str = ""  # asked of every item in a minor's list
    hidden_items: frozenset[int] = frozenset()
    muted_topics: frozenset[str] = frozenset()
    muted_creators: frozenset[int] = frozenset()
    max_creator_share: float = EVERYTHING
    max_topic_share: float = EVERYTHING
    min_topics: int = 0
    max_promoted_share: float = 0.0
    new_creator_share: float = 0.0  # at least so many places, as far as the candidates have such items
    essential_places: int = 0
    proxies: frozenset[str] = frozenset()  # keys of TARGETING that are declared to stand for a special category here

    def __post_init__(self) -> None:
        """Refuse what no slate could be judged by. Raises BoundsRefused."""
        for name in ("max_creator_share", "max_topic_share", "max_promoted_share", "new_creator_share"):
            share = getattr(self, name)
            if not 0 <= share <= 1 or abs(share * MILLE - round(share * MILLE)) > 1e-9:
                raise BoundsRefused(f"{name} is {share}: give a share from 0 to 1 with at most three decimals.")
        for name in ("slate_size", "min_topics", "essential_places"):
            if getattr(self, name) < 0:
                raise BoundsRefused(f"{name} is {getattr(self, name)}: give 0 or more.")
        if odd := sorted(self.proxies - TARGETING):
            raise BoundsRefused(
                f"The proxy {odd[0]!r} is no key of targeting: name one of {', '.join(sorted(TARGETING))}."
            )
        if self.min_label_confidence not in CONFIDENCES:
            raise BoundsRefused(
                f"min_label_confidence is {self.min_label_confidence!r}: give one of {', '.join(CONFIDENCES[1:])}."
            )


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What candidates that some list may hold can offer. A duty is owed as far as they have what it asks for."""

    topics: int
    new_creator_items: int


Slate = Sequence[Placeable]
