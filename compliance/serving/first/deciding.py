"""From the first form of a plan and recorded inputs to the decision that was made."""

from __future__ import annotations

from compliance.policy.constitution.repair import Repair
from compliance.policy.first.principles import PRINCIPLES, check, first_broken
from compliance.policy.first.types import Plan
from compliance.serving.explore import draw
from compliance.serving.pipeline import Decision
from ranking.serving.rank import rank
from ranking.serving.scorer import Scorer
from ranking.serving.types import Allowance, RankInputs


def allowance_of(plan: Plan) -> Allowance:
    """What the plan let the ranker use."""
    return Allowance(
        order=plan.order,
        sources=plan.sources,
        features=frozenset(plan.features),
        weights=plan.weights,
        audiences=plan.audiences,
        hidden_items=plan.hidden_items,
        slate_size=plan.slate_size,
        pool_size=plan.pool_size,
        diversity=plan.diversity,
        explore_pool=plan.explore_pool,
    )


def decide(plan: Plan, inputs: RankInputs, seed: int, scorer: Scorer | None) -> Decision:
    """Rank, check every principle, repair, and draw exploration last, from what is feasible."""
    ranked = rank(inputs, allowance_of(plan), None, scorer)
    ordered = [inputs.candidates[place] for place in ranked.order]
    checked, repairs = check(plan, ordered, plan.slate_size)
    slate, made = draw(
        plan.explore_probability,
        checked,
        inputs.explore,
        seed,
        lambda others: lambda item: first_broken(plan, others, item) is None,
    )
    return Decision(
        slate=tuple(slate),
        ranked=ranked,
        principles=tuple(principle.id for principle in PRINCIPLES),
        repairs=tuple(Repair(item_id=one.item_id, principles=(one.principle,)) for one in repairs),
        draw=made,
        shortfall=inputs.shortfall or _shortfall(plan, len(slate)),
        positions={candidate.item_id: position for position, candidate in enumerate(inputs.candidates)},
    )


def _shortfall(plan: Plan, size: int) -> str:
    if size >= plan.slate_size:
        return ""
    return f"Principles left {size} items, so the list is shorter than {plan.slate_size}."
