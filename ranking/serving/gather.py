"""Retrieve and hydrate: read everything one slate needs, once, and only what the allowance names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from django.db.models import QuerySet

from ranking.catalogue import selectors
from ranking.catalogue.clock import from_ms
from ranking.catalogue.models import Event, Item, ItemEmbedding
from ranking.catalogue.services import POSITIVE_ACTIONS
from ranking.data.facts import ContextFacts, EventFacts, ItemFacts, UserFacts
from ranking.data.schema import Action, Float32s
from ranking.data.tokens import TokenBatch
from ranking.retrieval import sources
from ranking.retrieval.rows import hydrate
from ranking.retrieval.similar import similar
from ranking.serving.errors import UnknownAnchor
from ranking.serving.restrictions import UNRESTRICTED, Restrictions
from ranking.serving.scorer import Scorer
from ranking.serving.signals import ACTIONS, WATCH_TIME, allowed_actions
from ranking.serving.trace import FEATURE_READS, ReadTrace
from ranking.serving.types import Allowance, Asker, Candidate, RankInputs, Situation

SEEDS: Final = 10
"""How many of the latest positive events the `similar` source starts from."""
SETTLED: Final = [
    int(action)
    for action in (
        *POSITIVE_ACTIONS,
        Action.NOT_INTERESTED,
        Action.REPORT,
        Action.RATED_1,
        Action.RATED_2,
        Action.RATED_3,
    )
]
"""After one of these an item is not recommended again in a scored list."""


def gather(
    asker: Asker,
    allowance: Allowance,
    situation: Situation,
    scorer: Scorer | None,
    restrictions: Restrictions = UNRESTRICTED,
) -> RankInputs:
    """Read the inputs of one slate. `scorer` is needed when the order is `score`. Raises UnknownAnchor.

    `restrictions` are the decisions about items that hold for this person, here and now.
    """
    reading = _Reading(
        asker=asker,
        allowance=allowance,
        situation=situation,
        scorer=scorer if allowance.order == "score" else None,
        trace=ReadTrace(allowance.features),
        restrictions=restrictions,
    )
    return reading.inputs()


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """One request's reads. Each is made at most once, and traced before it is made."""

    asker: Asker
    allowance: Allowance
    situation: Situation
    scorer: Scorer | None
    trace: ReadTrace
    restrictions: Restrictions

    def inputs(self) -> RankInputs:
        """Read everything, in the order that the trace then shows."""
        found = round_robin({source: self._from(source) for source in self.allowance.sources}, self.allowance.pool_size)
        explored = dict.fromkeys(self._explore(found), "explore")
        listed = {**found, **explored}
        hydrated = hydrate(
            listed,
            region=self.region,
            close=self._close(),
            new=self._new(listed),
            penalties=self.restrictions.penalties(listed),
            keywords=self.allowance.muted_keywords,
        )
        pool = [one for one in hydrated if one[0].item_id in found]
        explore = [one for one in hydrated if one[0].item_id not in found]
        tokens = None if self.scorer is None else self._tokens(self.scorer, [facts for _, facts in pool])
        essential = self._essential()
        return RankInputs(
            candidates=tuple(candidate for candidate, _ in pool),
            explore=tuple(candidate for candidate, _ in explore),
            tokens=tokens,
            model_sha256="" if self.scorer is None else self.scorer.sha256,
            reads=self.trace.reads,
            shortfall=self._shortfall(len({one.item_id for one, _ in pool} | {one.item_id for one in essential})),
            essential=essential,
        )

    @cached_property
    def anchor(self) -> Item | None:
        """The item that the list is about."""
        if self.situation.anchor_id is None:
            return None
        try:
            shown = selectors.eligible_items(
                service=self.asker.owner.service,
                audiences=self.allowance.audiences,
                hidden=(),
                confidence=self.allowance.label_confidence,
            )
            return self.restrictions.leave(shown).get(id=self.situation.anchor_id)
        except Item.DoesNotExist as error:
            raise UnknownAnchor(
                f"There is no item {self.situation.anchor_id} that may be shown here: choose one from your feed."
            ) from error

    @cached_property
    def eligible(self) -> QuerySet[Item]:
        """The items that may be shown to this person at all."""
        self.trace.read("catalogue.items")
        self.trace.read("declared.hidden_items")
        self.trace.read("declared.mutes")
        allowance = self.allowance
        mutes = selectors.Mutes(
            topics=allowance.muted_topics, creators=allowance.muted_creators, keywords=allowance.muted_keywords
        )
        eligible = selectors.eligible_items(
            service=self.asker.owner.service,
            audiences=allowance.audiences,
            hidden=allowance.hidden_items,
            confidence=allowance.label_confidence,
        )
        return self.restrictions.leave(mutes.leave(eligible))

    @cached_property
    def allowed(self) -> QuerySet[Item]:
        """The items that every source chooses from."""
        items = self.eligible
        if self.anchor is not None:
            related = self.scorer is None
            items = sources.sharing_topics(items, self.anchor) if related else items.exclude(id=self.anchor.id)
        if self.scorer is None or not self.actions:
            return items
        return items.exclude(id__in=self.events.filter(action__in=SETTLED).values("item_id"))

    @cached_property
    def actions(self) -> frozenset[Action]:
        """What of the person's past may be read."""
        return allowed_actions(self.allowance.features)

    @cached_property
    def events(self) -> QuerySet[Event]:
        """The person's events that may be read. Reading them is noted by what they tell."""
        for what, feature in FEATURE_READS.items():
            if feature in ACTIONS and feature in self.allowance.features:
                self.trace.read(what)
        asker = self.asker
        return selectors.events_of(subject_id=asker.subject_id, actions=self.actions, since_ms=asker.since_ms)

    @cached_property
    def past(self) -> list[tuple[int, EventFacts]]:
        """The person's events with their item ids, oldest first; empty when they may not be read."""
        if self.scorer is None or not self.actions:
            return []
        return selectors.history(
            events=self.events,
            before_ms=self.situation.now_ms,
            keep=self.scorer.encoder.max_history,
            dwell=WATCH_TIME in self.allowance.features,
        )

    @cached_property
    def region(self) -> str:
        """The region whose popularity counts."""
        self.trace.read("catalogue.popularity")
        if "location" not in self.allowance.features:
            return ""
        self.trace.read("declared.region")
        return sources.popularity_region(self.asker.region)

    def _from(self, source: str) -> list[int]:
        limit = self.allowance.pool_size
        fetchers: dict[str, Callable[[], list[int]]] = {
            "similar": self._similar,
            "following": lambda: self._followed(sources.following),
            "topics": lambda: self._followed(sources.topics),
            "trending": lambda: sources.trending(self.allowed, region=self.region, limit=limit),
            "newest": lambda: sources.newest(self.allowed, limit=limit),
            "drawn": lambda: sources.explore(self.allowed, limit=limit, seed=self.situation.seed, without=()),
        }
        return fetchers[source]()

    def _similar(self) -> list[int]:
        query_D = self._query()
        if self.scorer is None or query_D is None:
            return []
        return similar(
            self.allowed,
            service=self.asker.owner.service,
            model_sha256=self.scorer.sha256,
            query_D=query_D,
            limit=self.allowance.pool_size,
        )

    def _query(self) -> Float32s | None:
        """What `similar` looks for: the anchor's vector, else the mean of the latest liked items' directions."""
        if self.scorer is None:
            return None
        liked = [item_id for item_id, event in self.past if event.action in POSITIVE_ACTIONS][-SEEDS:]
        wanted = liked if self.anchor is None else [self.anchor.id]
        rows = ItemEmbedding.objects.filter(model_sha256=self.scorer.sha256, item_id__in=wanted).order_by("item_id")
        found = [np.asarray(vector, np.float32) for vector in rows.values_list("vector", flat=True)]
        if not found:
            return None
        vectors_ND = np.stack(found)
        directions_ND = vectors_ND / np.maximum(np.linalg.norm(vectors_ND, axis=1, keepdims=True), 1e-9)
        mean_D: Float32s = directions_ND.mean(axis=0).astype(np.float32)
        return mean_D

    def _followed(self, source: Callable[..., list[int]]) -> list[int]:
        self.trace.read("declared.follows")
        return source(self.allowed, limit=self.allowance.pool_size, subject_id=self.asker.subject_id)

    def _close(self) -> frozenset[int]:
        """Whom the person declared close: asked only where they want those first, and let their follows be read."""
        if "close_friends" not in self._objectives or "follows" not in self.allowance.features:
            return frozenset()
        self.trace.read("declared.follows")
        return sources.close_creators(self.asker.subject_id)

    def _new(self, listed: dict[int, str]) -> frozenset[int]:
        """Which creators at hand are new: asked where the person wants more of them, or the plan gives them room."""
        if "new_creators" not in self._objectives and not self.allowance.new_creators:
            return frozenset()
        return sources.new_creators(listed, now=from_ms(self.situation.now_ms))

    @property
    def _objectives(self) -> frozenset[str]:
        return frozenset(one.target for one in self.allowance.adjustments if one.kind == "objective")

    def _explore(self, found: dict[int, str]) -> list[int]:
        if self.allowance.explore_pool == 0:
            return []
        return sources.explore(self.allowed, limit=self.allowance.explore_pool, seed=self.situation.seed, without=found)

    def _essential(self) -> tuple[Candidate, ...]:
        """What everyone here needs now, whatever the list is about and wherever it comes from.

        The declared coarse region is read for it in every order, and for nothing else where `location` is off: a flood
        warning is not for those alone who let lists be made of where they are.
        """
        if self.allowance.essential_places == 0:
            return ()
        self.trace.read("catalogue.essential")
        self.trace.read("declared.notice_region")
        found = sources.essential(
            self.eligible,
            region=self.asker.region,
            now=from_ms(self.situation.now_ms),
            limit=self.allowance.essential_places,
        )
        if not found:
            return ()
        listed = dict.fromkeys(found, "essential")
        hydrated = hydrate(
            listed,
            region=self.region,
            new=self._new(listed),
            penalties=self.restrictions.penalties(listed),
            keywords=self.allowance.muted_keywords,
        )
        # What a decision demotes is carried by no notice.
        return tuple(replace(candidate, essential=True) for candidate, _ in hydrated if not candidate.penalty_milli)

    def _tokens(self, scorer: Scorer, items: list[ItemFacts]) -> TokenBatch:
        user = UserFacts()
        if "profile" in self.allowance.features:
            self.trace.read("declared.profile")
            user = selectors.profile_facts(self.asker.subject_id)
        return scorer.encoder.batch(
            user=user,
            events=[event for _, event in self.past],
            context=ContextFacts(time_ms=self.situation.now_ms),
            candidates=items,
        )

    def _shortfall(self, found: int) -> str:
        if found >= self.allowance.slate_size:
            return ""
        return f"Only {found} items may be shown here, so the list is shorter than {self.allowance.slate_size}."


def round_robin(lists: dict[str, list[int]], limit: int) -> dict[int, str]:
    """Merge the sources' lists in turn, each item once, under the source that brought it first."""
    merged: dict[int, str] = {}
    for place in range(max((len(found) for found in lists.values()), default=0)):
        for source, found in lists.items():
            if place < len(found) and len(merged) < limit:
                merged.setdefault(found[place], source)
    return merged
