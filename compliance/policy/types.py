"""The router's input and output: facts about a request, and the plan made of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from ranking.serving.types import Order


@dataclass(frozen=True, kw_only=True)
class Usage:
    """How long somebody was served today, by the server's clock (`compliance/limits`)."""

    day_minutes: int = 0
    session_minutes: int = 0  # since the last break
    break_minutes: int = 0  # since the last list was served
    asleep: bool = False  # by a limit of their own, or a guardian's


@dataclass(frozen=True, kw_only=True)
class Control:
    """One thing that a person set for themselves, or a guardian for a child: kind, what it is about, and how."""

    kind: str  # see `compliance.subjects.values.CONTROLS`
    target: str
    value: str


@dataclass(frozen=True, kw_only=True)
class SubjectFacts:
    """What the router may know of a subject."""

    tier: str
    assurance: str
    jurisdiction: str
    consent: str  # granted, none, objected
    parental_consent: bool
    chosen_mode: str  # the order chosen for this surface; empty when none was
    controls: tuple[Control, ...] = ()
    hidden_items: tuple[int, ...] = ()
    usage: Usage = field(default_factory=Usage)
    guarded: bool = False  # a guardian is linked to this minor


@dataclass(frozen=True, kw_only=True)
class RequestFacts:
    """What the router may know of a request."""

    surface: str
    slate_size: int
    ranker_live: bool  # whether a model is there to score with
    day: date  # in the person's time zone
    hours: str  # the band of the person's local time
    school_day: bool


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Which rule decided a field of the plan, under which law, in words, and which rules it overrode."""

    field: str
    rule: str
    law: str
    words: str
    overrode: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Adjustment:
    """A bounded weight of the person's own: added to the score of what it is about (in thousandths)."""

    kind: str  # topic, creator, objective
    target: str
    milli: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What one request may use. Every field was decided by a rule that `reasons` names."""

    feed_mode: str
    offered_modes: tuple[str, ...]
    order: Order
    sources: tuple[str, ...]
    features: tuple[str, ...]
    objective: str
    weights: dict[str, float]
    adjustments: tuple[Adjustment, ...]
    audiences: tuple[str, ...]  # "" among them allows unlabelled items
    label_confidence: str  # the least that a label must have; "" for any
    hidden_items: tuple[int, ...]
    muted_topics: tuple[str, ...]
    muted_creators: tuple[int, ...]
    muted_keywords: tuple[str, ...]
    slate_size: int
    pool_size: int
    diversity: float
    explore_probability: float
    explore_pool: int
    max_topic_share: float
    max_creator_share: float
    min_topics: int
    max_promoted_share: float
    new_creator_share: float
    essential_places: int
    ads: str
    ui: tuple[str, ...]
    daily_minutes: int
    session_minutes: int
    break_minutes: int
    closed: tuple[str, ...]  # why nothing is served now; empty when something is
    push: str
    push_per_day: int
    logging: str
    survey: str
    hidden_from_guardian: tuple[str, ...]
    reasons: tuple[Reason, ...]
    policy_sha256: str

    @property
    def minor(self) -> bool:
        """Whether only what is labelled for minors may be shown."""
        return "adult" not in self.audiences
