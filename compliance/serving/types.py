"""What the door takes and gives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from compliance.policy.types import Reason
from compliance.subjects.values import SURFACES


@dataclass(frozen=True, kw_only=True)
class Context:
    """One request for a slate: where, when, and about which item (the `related` surface)."""

    surface: str
    now: datetime
    timezone: str = "UTC"
    device: str = ""
    anchor_id: int | None = None
    slate_size: int = 12

    def __post_init__(self) -> None:
        """Refuse a request that no surface can answer."""
        if self.surface not in SURFACES:
            raise ValueError(f"There is no surface {self.surface!r}: name one of {', '.join(SURFACES)}.")
        if (self.surface == "related") != (self.anchor_id is not None):
            raise ValueError("A related list is about an item, and only a related list is: name its item.")
        if self.slate_size < 1:
            raise ValueError(f"A list of {self.slate_size} items cannot be served: ask for at least one.")


@dataclass(frozen=True, kw_only=True)
class SlateItem:
    """One place of a slate. `scores` and `blended` are None when nothing was scored: never 0."""

    rank: int  # from 1
    item_id: int
    source: str
    scores: dict[str, float] | None
    blended: float | None
    propensity: float  # the logging policy's probability of this item in this place
    explored: bool
    penalties: tuple[UUID, ...] = ()  # the decisions that act on it here: demotions and labels


@dataclass(frozen=True, kw_only=True)
class Slate:
    """What was served, as recorded."""

    serve_id: UUID
    surface: str
    feed_mode: str
    offered_modes: tuple[str, ...]
    items: tuple[SlateItem, ...]
    applied_weights: dict[str, float]
    reasons: tuple[Reason, ...]
    ui: tuple[str, ...]  # how a client must behave: no autoplay, no list without an end
    shortfall: str
    model_sha256: str
    replayed: bool  # true when an idempotency key asked for a slate that was already served
