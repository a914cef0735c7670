"""Decisions and plans as documents, as records of versions 1 and 2 hold them."""

from __future__ import annotations

from typing import Any

from compliance.audit.canonical import exact
from compliance.policy.first.types import Plan
from compliance.serving.pipeline import Decision
from ranking.serving.snapshot import array_document
from ranking.serving.types import Candidate

Document = dict[str, Any]


def plan_document(plan: Plan) -> Document:
    """Every field of the plan, with the rule behind it."""
    document = {**plan.__dict__, "reasons": [reason.__dict__ for reason in plan.reasons]}
    for name in ("diversity", "explore_probability", "max_topic_share"):
        document[name] = exact(document[name])
    document["weights"] = {head: exact(weight) for head, weight in plan.weights.items()}
    return document


def output_document(decision: Decision) -> Document:
    """What was decided, place by place; all candidates' scores and order besides."""
    ranked = decision.ranked
    return {
        "items": [_place(decision, place, item) for place, item in enumerate(decision.slate)],
        "heads": list(ranked.heads),
        "applied_weights": {head: exact(weight) for head, weight in ranked.applied_weights.items()},
        "order": list(ranked.order),
        "probability": None if ranked.probability_MT is None else array_document(ranked.probability_MT),
        "blended": None if ranked.blended_M is None else array_document(ranked.blended_M),
        "principles": list(decision.principles),
        "repairs": [{"item_id": one.item_id, "principle": one.principles[0]} for one in decision.repairs],
        "exploration": {
            "probability": exact(decision.draw.probability),
            "open_slots": list(decision.draw.open_slots),
            "slot": decision.draw.slot,
            "feasible": list(decision.draw.feasible),
            "place": decision.draw.place,
        },
        "shortfall": decision.shortfall,
    }


def _place(decision: Decision, place: int, item: Candidate) -> Document:
    explored = decision.draw.place == place
    scores, blended = (None, None) if explored else _scores(decision, item)
    return {
        "rank": place + 1,
        "item_id": item.item_id,
        "source": item.source,
        "scores": scores,
        "blended": blended,
        "propensity": exact(decision.draw.propensity(place)),
        "explored": explored,
    }


def _scores(decision: Decision, item: Candidate) -> tuple[dict[str, str] | None, str | None]:
    ranked = decision.ranked
    if ranked.probability_MT is None or ranked.blended_M is None:
        return None, None
    position = decision.positions[item.item_id]
    by_head = {head: exact(ranked.probability_MT[position, column]) for column, head in enumerate(ranked.heads)}
    return by_head, exact(ranked.blended_M[position])
