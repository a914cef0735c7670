"""Rank: from recorded inputs to a scored slate. Pure but for the model's weights and the cache of user states."""

from __future__ import annotations

from collections.abc import Callable

from ranking.retrieval.lots import lot
from ranking.serving.adjusting import adjust, adjustments
from ranking.serving.blend import blend
from ranking.serving.environment import environment
from ranking.serving.errors import NoModel
from ranking.serving.rerank import mmr
from ranking.serving.scorer import Scorer
from ranking.serving.types import Allowance, Candidate, Owner, RankInputs, ScoredSlate


def rank(
    inputs: RankInputs, allowance: Allowance, owner: Owner | None, scorer: Scorer | None, seed: int = 0
) -> ScoredSlate:
    """Order all candidates. Without tokens the order is the mode's own rule and no item has a score.

    With no `owner` (a replay) nothing cached is used and nothing is left in the cache. `seed` decides a drawn order.
    """
    if inputs.tokens is None:
        return ScoredSlate(
            order=_by_rule(inputs, allowance, seed),
            heads=(),
            probability_MT=None,
            blended_M=None,
            applied_weights={},
            cache_state="unused",
            depth=None,
            environment=environment(),
        )
    if scorer is None or scorer.sha256 != inputs.model_sha256:
        raise NoModel(f"Model {inputs.model_sha256[:12]} is not loaded: restore its files in the registry.")
    scored = scorer.score(inputs.tokens, owner)
    adjusted = adjustments(inputs.candidates, allowance.adjustments)
    blended_M = adjust(
        blend(scored.probability_MT, scorer.heads, allowance.weights, scorer.encoder.layout.kinds), adjusted
    )
    ids = tuple(candidate.item_id for candidate in inputs.candidates)
    return ScoredSlate(
        order=mmr(blended_M, scored.vector_MD, ids, diversity=allowance.diversity, size=allowance.slate_size),
        heads=scorer.heads,
        probability_MT=scored.probability_MT,
        blended_M=blended_M,
        applied_weights={head: allowance.weights.get(head, 0.0) for head in scorer.heads},
        adjusted=adjusted,
        cache_state=scored.cache_state,
        depth=scored.depth,
        environment=scored.environment,
    )


def _by_rule(inputs: RankInputs, allowance: Allowance, seed: int) -> tuple[int, ...]:
    """Newest: by time; popular: by popularity; drawn: by lot; ties by item id. Not trusted from retrieval.

    What a decision demotes comes after everything that none does.
    """
    keys: dict[str, Callable[[Candidate], int]] = {
        "newest": lambda one: -one.published_ms,
        "popular": lambda one: -one.popularity,
        "drawn": lambda one: lot(seed, one.item_id),
    }
    if allowance.order in keys:
        pool, key = inputs.candidates, keys[allowance.order]
        return tuple(sorted(range(len(pool)), key=lambda at: (pool[at].penalty_milli, key(pool[at]), pool[at].item_id)))
    raise NoModel("A scored order was asked for and nothing was hydrated to score: no ranker is live.")
