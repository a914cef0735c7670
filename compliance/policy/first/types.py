"""What the first router took and gave."""

from __future__ import annotations

from dataclasses import dataclass

from ranking.serving.types import Order


@dataclass(frozen=True, kw_only=True)
class SubjectFacts:
    """What the router may know of a subject."""

    tier: str
    assurance: str
    jurisdiction: str
    personalisation_consent: bool
    chosen_mode: str  # the order chosen for this surface; empty when none was
    hidden_items: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class RequestFacts:
    """What the router may know of a request."""

    surface: str
    slate_size: int
    ranker_live: bool  # whether a model is there to score with


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Which rule decided a field of the plan, under which law, in words."""

    field: str
    rule: str
    law: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What one request may use. Every field was decided by a rule that `reasons` names."""

    feed_mode: str
    offered_modes: tuple[str, ...]
    order: Order
    sources: tuple[str, ...]
    features: tuple[str, ...]
    weights: dict[str, float]
    audiences: tuple[str, ...]
    hidden_items: tuple[int, ...]
    slate_size: int
    pool_size: int
    diversity: float
    explore_probability: float
    explore_pool: int
    max_topic_share: float
    ui: tuple[str, ...]
    reasons: tuple[Reason, ...]
    policy_sha256: str
