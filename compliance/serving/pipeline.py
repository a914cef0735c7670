"""The pipeline: plan and recorded inputs in, decision out. The only caller of the ranker.

`gather` reads the world once; `decide` is pure, so that the door, replays and what-ifs run the very same code.
"""

from __future__ import annotations

from dataclasses import dataclass

from compliance.policy.principles import PRINCIPLES, Repair, check, first_broken
from compliance.policy.types import Plan
from compliance.serving.explore import Draw, Fits, draw
from ranking.serving.gather import gather as gather_inputs
from ranking.serving.rank import rank
from ranking.serving.scorer import Scorer
from ranking.serving.types import Adjust, Allowance, Asker, Candidate, Owner, RankInputs, ScoredSlate, Situation


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A slate and everything that says why it is this one."""

    slate: tuple[Candidate, ...]
    ranked: ScoredSlate
    principles: tuple[str, ...]
    repairs: tuple[Repair, ...]
    draw: Draw
    shortfall: str
    positions: dict[int, int]  # item id -> position among the candidates

    def position_of(self, item: Candidate) -> int:
        """Where an item stands among the candidates, whose order the score arrays have."""
        return self.positions[item.item_id]


def allowance_of(plan: Plan) -> Allowance:
    """What the plan lets the ranker use."""
    return Allowance(
        order=plan.order,
        sources=plan.sources,
        features=frozenset(plan.features),
        weights=plan.weights,
        audiences=plan.audiences,
        label_confidence=plan.label_confidence,
        hidden_items=plan.hidden_items,
        muted_topics=plan.muted_topics,
        muted_creators=plan.muted_creators,
        muted_keywords=plan.muted_keywords,
        adjustments=tuple(Adjust(one.kind, one.target, one.milli) for one in plan.adjustments),
        slate_size=plan.slate_size,
        pool_size=plan.pool_size,
        diversity=plan.diversity,
        explore_pool=plan.explore_pool,
    )


def gather(plan: Plan, asker: Asker, situation: Situation, scorer: Scorer | None) -> RankInputs:
    """Read what the plan allows, and nothing else."""
    return gather_inputs(asker, allowance_of(plan), situation, scorer)


def decide(plan: Plan, inputs: RankInputs, owner: Owner | None, seed: int, scorer: Scorer | None) -> Decision:
    """Rank, check every principle, repair, and draw exploration last, from what is feasible."""
    ranked = rank(inputs, allowance_of(plan), owner, scorer, seed)
    ordered = [inputs.candidates[place] for place in ranked.order]
    checked, repairs = check(plan, ordered, plan.slate_size)
    slate, made = draw(plan.explore_probability, checked, inputs.explore, seed, feasible(plan))
    return Decision(
        slate=tuple(slate),
        ranked=ranked,
        principles=tuple(principle.id for principle in PRINCIPLES),
        repairs=repairs,
        draw=made,
        shortfall=inputs.shortfall or _shortfall(plan, len(slate)),
        positions={candidate.item_id: position for position, candidate in enumerate(inputs.candidates)},
    )


def feasible(plan: Plan) -> Fits:
    """Says of an item whether it may join others in a slate, by every principle."""
    return lambda others, item: first_broken(plan, others, item) is None


def _shortfall(plan: Plan, size: int) -> str:
    if size >= plan.slate_size:
        return ""
    return f"Principles left {size} items, so the list is shorter than {plan.slate_size}."
