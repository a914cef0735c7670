"""Decisions, plans and requests as documents without floats: what is recorded, hashed and compared in a replay."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any, Final

from compliance.audit.canonical import exact
from compliance.policy.constitution.repair import Certificate
from compliance.policy.reasons import short
from compliance.policy.types import Control, Plan, RequestFacts, SubjectFacts, Usage
from compliance.serving.pipeline import Decision
from ranking.serving.snapshot import array_document
from ranking.serving.types import Asker, Candidate, Situation

Document = dict[str, Any]

OF_EVERY_CANDIDATE: Final = ("order", "probability", "blended")
"""The parts of an output that speak of all candidates. A record keeps them within the output's hash; see below."""


def plan_document(plan: Plan) -> Document:
    """Every field of the plan, and which rule is behind it."""
    said = plan.__dict__
    return {
        **{name: list(value) if isinstance(value, tuple) else value for name, value in said.items()},
        **{name: exact(value) for name, value in said.items() if isinstance(value, float)},
        "weights": {head: exact(weight) for head, weight in plan.weights.items()},
        "adjustments": [[one.kind, one.target, one.milli] for one in plan.adjustments],
        "reasons": short(plan.reasons),
    }


def output_document(decision: Decision) -> Document:
    """What was decided, place by place; all candidates' scores and order besides.

    A record keeps the hash of all of it, and all but `OF_EVERY_CANDIDATE`, which a replay computes again.
    """
    ranked = decision.ranked
    return {
        "items": [_place(decision, place, item) for place, item in enumerate(decision.slate)],
        "heads": list(ranked.heads),
        "applied_weights": {head: exact(weight) for head, weight in ranked.applied_weights.items()},
        "order": list(ranked.order),
        "probability": None if ranked.probability_MT is None else array_document(ranked.probability_MT),
        "blended": None if ranked.blended_M is None else array_document(ranked.blended_M),
        "principles": list(decision.principles),
        "repairs": _repairs(decision),
        "certificate": None if decision.certificate is None else _certificate(decision.certificate),
        "exploration": {
            "probability": exact(decision.draw.probability),
            "open_slots": list(decision.draw.open_slots),
            "slot": decision.draw.slot,
            "feasible": list(decision.draw.feasible),
            "place": decision.draw.place,
        },
        "shortfall": decision.shortfall,
    }


def slate_document(output: Document, explore: tuple[Candidate, ...], *, logging: str = "standard") -> Document:
    """The part of an output that a record keeps: the slate, and how it came about.

    Which items an exploration draw might have taken is said as one digit for each that it was offered. Where the plan
    asks for enhanced logging, the order of all candidates is kept too: who studies what minors were nearly shown needs
    no model to see it.
    """
    left_out = [name for name in OF_EVERY_CANDIDATE if not (name == "order" and logging == "enhanced")]
    feasible = set(output["exploration"]["feasible"])
    marked = "".join("1" if item.item_id in feasible else "0" for item in explore)
    kept = {name: value for name, value in output.items() if name not in left_out}
    return {**kept, "exploration": {**output["exploration"], "feasible": marked}}


def _place(decision: Decision, place: int, item: Candidate) -> Document:
    explored = decision.draw.place == place
    scores, blended = (None, None) if explored else _scores(decision, item)
    return {
        "rank": place + 1,
        "item_id": item.item_id,
        "source": item.source,
        "scores": scores,
        "blended": blended,
        "adjusted": 0 if explored else _adjusted(decision, item),
        "penalties": list(item.penalties),
        "propensity": exact(decision.draw.propensity(place)),
        "explored": explored,
    }


def _scores(decision: Decision, item: Candidate) -> tuple[dict[str, str] | None, str | None]:
    ranked = decision.ranked
    if ranked.probability_MT is None or ranked.blended_M is None:
        return None, None
    position = decision.position_of(item)
    if position is None:
        return None, None
    by_head = {head: exact(ranked.probability_MT[position, column]) for column, head in enumerate(ranked.heads)}
    return by_head, exact(ranked.blended_M[position])


def _adjusted(decision: Decision, item: Candidate) -> int:
    adjusted, position = decision.ranked.adjusted, decision.position_of(item)
    return adjusted[position] if adjusted and position is not None else 0


def _certificate(certificate: Certificate) -> Document:
    return {**asdict(certificate), "broken": list(certificate.broken)}


def _repairs(decision: Decision) -> dict[str, list[int]]:
    """The items that principles kept out, under the ids of those principles."""
    kept_out: dict[str, list[int]] = {}
    for one in decision.repairs:
        kept_out.setdefault(" ".join(one.principles), []).append(one.item_id)
    return kept_out


def request_document(
    *, asker: Asker, situation: Situation, facts: SubjectFacts, request: RequestFacts, timezone: str, device: str
) -> Document:
    """Who asked, where and when, and what the router was told: enough to plan again."""
    return {
        "asker": {
            "service": asker.owner.service,
            "pseudonym": str(asker.owner.pseudonym),
            "epoch": asker.owner.epoch,
            "region": asker.region,
            "since_ms": asker.since_ms,
        },
        "situation": {**situation.__dict__, "seed": str(situation.seed)},
        "facts": {
            **facts.__dict__,
            "controls": [[one.kind, one.target, one.value] for one in facts.controls],
            "hidden_items": list(facts.hidden_items),
            "usage": {**facts.usage.__dict__},
        },
        "request": {**request.__dict__, "day": request.day.isoformat()},
        "timezone": timezone,
        "device": device,
    }


def facts_of(document: Document) -> SubjectFacts:
    """What the router was told of a subject, from a record's document."""
    said = document["facts"]
    return SubjectFacts(
        **{
            **said,
            "controls": tuple(
                Control(kind=kind, target=target, value=value) for kind, target, value in said["controls"]
            ),
            "hidden_items": tuple(said["hidden_items"]),
            "usage": Usage(**said["usage"]),
        }
    )


def request_of(document: Document) -> RequestFacts:
    """What the router was told of a request, from a record's document."""
    said = document["request"]
    return RequestFacts(**{**said, "day": date.fromisoformat(said["day"])})
