"""What crosses this room's door: a decision to be taken in, and penalties to be served under out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from compliance.statements.models import Actor, Automation, Ground, Kind, Source


@dataclass(frozen=True, kw_only=True)
class Penalty:
    """One decision as it acts on one slate. `amount` is of a demotion: thousandths to take off the blended score."""

    decision_id: UUID
    kind: Kind
    amount: int | None

    @property
    def withholds(self) -> bool:
        """Whether the item may not be in the slate at all."""
        return self.kind in WITHHOLDING


WITHHOLDING = frozenset((Kind.REMOVED, Kind.DISABLED, Kind.AGE_RESTRICTED))
"""Kinds under which an item is not eligible. A demotion costs places, and a label is shown."""


@dataclass(frozen=True, kw_only=True)
class Reasons:
    """On which ground (DSA Art. 17(3)(d), (e)): the law or the clause, why it applies, and the category."""

    ground: Ground
    reference: str
    explanation: str
    category: str  # of `export.schema.CATEGORIES`
    keywords: tuple[str, ...] = ()
    keyword_other: str = ""
    more_categories: tuple[str, ...] = ()
    url: str = ""
    also_illegal: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Means:
    """Who found it and who decided (DSA Art. 17(3)(b), (c))."""

    decided_by: Actor
    automated_detection: bool
    automated_decision: Automation
    source: Source = Source.OWN_INITIATIVE
    source_identity: str = ""
    notice_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class Content:
    """What the item is, in the public database's words."""

    types: tuple[str, ...]  # of `export.schema.CONTENT_TYPES`
    type_other: str = ""
    language: str = ""  # ISO 639-1, in capitals
    account_type: str = ""
    ean: str = ""


@dataclass(frozen=True, kw_only=True)
class NewDecision:
    """A decision about one item. `amount` is of a demotion, in thousandths of the blended score, 1 to 1000."""

    item_id: int
    kind: Kind
    rule: str
    facts: str
    reasons: Reasons
    means: Means
    content: Content
    amount: int | None = None
    starts_at: datetime | None = None  # None: now
    ends_at: datetime | None = None  # None: until it is reversed
    territories: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
