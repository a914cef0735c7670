"""What crosses the ranker's door: an allowance and an asker in, ranking inputs and a scored slate out.

Legend for shape suffixes: M candidates, T tasks (heads), D item vector.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple
from uuid import UUID

from ranking.data.schema import Float32s
from ranking.data.tokens import TokenBatch

Order = Literal["score", "newest", "popular", "drawn"]


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Whose cached state a score may use. A reset or erasure changes it, so old entries become unreachable."""

    service: str
    pseudonym: UUID
    epoch: int


@dataclass(frozen=True, kw_only=True)
class Asker:
    """The person a slate is made for, as far as the ranker knows them."""

    owner: Owner
    subject_id: UUID
    region: str
    since_ms: int | None = None  # nothing they did before is an input; None: they never started again


class Adjust(NamedTuple):
    """A bounded weight that a person gave: added to the score of each candidate that it is about."""

    kind: str  # topic, creator or objective
    target: str
    milli: int  # thousandths


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """What a plan lets the ranker use. Whatever is not named here is not read."""

    order: Order
    sources: tuple[str, ...]
    features: frozenset[str]
    weights: dict[str, float]
    audiences: tuple[str, ...]  # labels that may be shown; "" among them allows unlabelled items
    label_confidence: str = ""  # the least that a label must have
    hidden_items: tuple[int, ...]
    muted_topics: tuple[str, ...] = ()
    muted_creators: tuple[int, ...] = ()
    muted_keywords: tuple[str, ...] = ()
    adjustments: tuple[Adjust, ...] = ()
    slate_size: int
    pool_size: int
    diversity: float  # 0: relevance only … 1: difference only (MMR's 1 - lambda)
    explore_pool: int  # how many items to offer for an exploration draw; 0: none
    new_creators: bool = False  # whether it matters which creators are new
    essential_places: int = 0  # how many notices that everyone needs may be offered


@dataclass(frozen=True, kw_only=True)
class Situation:
    """Where and when: the surface, the moment, and the item that `related` is about."""

    surface: str
    now_ms: int
    anchor_id: int | None
    seed: int


class Penalties(NamedTuple):
    """Which decisions act on an item for somebody, and what they take off its score together, in thousandths."""

    decisions: tuple[str, ...] = ()
    milli: int = 0


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An item considered for a slate, with the source that brought it. All integers and text: no floats."""

    item_id: int
    external_id: str
    source: str
    topics: tuple[str, ...]
    suitable_from: str
    published_ms: int
    popularity: int
    creator_id: int = 0  # 0: nobody is named
    new_creator: bool = False
    label_confidence: str = ""
    unsafe: tuple[str, ...] = ()  # kinds of harm that its labels name
    muted_words: tuple[str, ...] = ()  # what its title has of the words that the person muted
    seconds: int = 0  # how long it takes; 0: unknown
    promoted: bool = False
    promotion: str = ""  # the label that says so
    targeting: tuple[str, ...] = ()  # what about the person an advert was aimed by
    essential: bool = False  # what everybody needs: breaking news, safety notices
    close: bool = False  # by somebody whom the person follows closely
    penalties: tuple[str, ...] = ()  # ids of the decisions that demote it, each with a statement of reasons
    penalty_milli: int = 0  # what they take off its score together, in thousandths


@dataclass(frozen=True, kw_only=True)
class RankInputs:
    """Everything a slate is computed from, read once; recorded whole, so that a replay needs nothing else.

    `candidates` are in retrieval order; `tokens` is None when nothing is scored. `reads` names each class of data
    that was read, in order. `explore` holds the items an exploration draw may use, `essential` the notices that
    everyone needs, the most urgent first.
    """

    candidates: tuple[Candidate, ...]
    explore: tuple[Candidate, ...]
    tokens: TokenBatch | None
    model_sha256: str
    reads: tuple[str, ...]
    shortfall: str  # why the list is shorter than asked for; empty when it is not
    essential: tuple[Candidate, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Scored:
    """One request's scores, and where and how they were computed."""

    probability_MT: Float32s
    vector_MD: Float32s  # of the candidates
    cache_state: str  # hit | grown | miss | unused: how much of the person's past was encoded before
    depth: int  # layers that were run
    environment: dict[str, str]  # of the process that scored


@dataclass(frozen=True, kw_only=True)
class ScoredSlate:
    """All candidates in served order (the first `slate_size` are the slate).

    `order` holds positions into RankInputs.candidates. `probability_MT` and `blended_M` are in candidate order and
    None when nothing was scored: an item that was not scored has no score, it is never 0.
    """

    order: tuple[int, ...]
    heads: tuple[str, ...]
    probability_MT: Float32s | None
    blended_M: Float32s | None
    applied_weights: dict[str, float]
    adjusted: tuple[int, ...] = ()  # what controls and penalties added to each candidate, in thousandths
    cache_state: str  # hit | grown | miss | unused
    depth: int | None  # layers that were run; None when nothing was scored
    environment: dict[str, str]  # of the process that scored; of this one when nothing was scored
