"""The pipeline: plan and recorded inputs in, decision out. The only caller of the ranker.

`gather` reads the world once; `decide` is pure, so that the door, replays and what-ifs run the very same code.
"""

from __future__ import annotations

from dataclasses import dataclass

from compliance.policy.constitution.crowd import mixed
from compliance.policy.constitution.joining import Joining
from compliance.policy.constitution.of_plan import bounds_of
from compliance.policy.constitution.principles import PRINCIPLES
from compliance.policy.constitution.repair import Certificate, Repair, Unlawful, repair
from compliance.policy.constitution.verifier import violations
from compliance.policy.types import Plan
from compliance.serving.explore import Draw, Room, draw
from ranking.serving.gather import gather as gather_inputs
from ranking.serving.rank import rank
from ranking.serving.restrictions import UNRESTRICTED, Restrictions
from ranking.serving.scorer import Scorer
from ranking.serving.types import Adjust, Allowance, Asker, Candidate, Owner, RankInputs, ScoredSlate, Situation


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A slate and everything that says why it is this one."""

    slate: tuple[Candidate, ...]
    ranked: ScoredSlate
    principles: tuple[str, ...]
    repairs: tuple[Repair, ...]
    certificate: Certificate | None = None  # of the list before exploration; records of versions 1 and 2 had none
    draw: Draw
    shortfall: str
    positions: dict[int, int]  # item id -> position among the candidates

    def position_of(self, item: Candidate) -> int | None:
        """Where an item stands among the candidates, whose order the score arrays have; None: nobody ranked it."""
        return None if item.essential else self.positions[item.item_id]


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
        new_creators=plan.new_creator_share > 0,
        essential_places=plan.essential_places,
    )


def gather(
    plan: Plan, asker: Asker, situation: Situation, scorer: Scorer | None, restrictions: Restrictions = UNRESTRICTED
) -> RankInputs:
    """Read what the plan and the decisions about items allow, and nothing else."""
    return gather_inputs(asker, allowance_of(plan), situation, scorer, restrictions)


def decide(plan: Plan, inputs: RankInputs, owner: Owner | None, seed: int, scorer: Scorer | None) -> Decision:
    """Rank, mix in what everyone needs, repair by every principle, and draw exploration last, from what is feasible.

    Raises Unlawful: then nothing may be served.
    """
    ranked, bounds = rank(inputs, allowance_of(plan), owner, scorer, seed), bounds_of(plan)
    mix = mixed(
        [inputs.candidates[place] for place in ranked.order],
        None if ranked.blended_M is None else [float(ranked.blended_M[place]) for place in ranked.order],
        inputs.essential,
        most=plan.essential_places,
        size=plan.slate_size,
    )
    repaired = repair(bounds, mix.ordered, mix.scores, mix.pinned)
    pool = undemoted(inputs.explore)
    room = keeping_notices(Joining(bounds, repaired.offer, pool), repaired.slate)
    slate, made = draw(plan.explore_probability, list(repaired.slate), pool, seed, room)
    if found := violations(bounds, slate, repaired.offer):
        raise Unlawful(found)
    return Decision(
        slate=tuple(slate),
        ranked=ranked,
        principles=tuple(principle.id for principle in PRINCIPLES),
        repairs=repaired.repairs,
        certificate=repaired.certificate,
        draw=made,
        shortfall=" ".join(filter(None, (inputs.shortfall, repaired.short))),
        positions={candidate.item_id: position for position, candidate in enumerate(inputs.candidates)},
    )


def undemoted(pool: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """What exploration draws from: a drawn place has no score that a decision could take from (DSA Art. 17, 27)."""
    return tuple(one for one in pool if not one.penalty_milli)


def keeping_notices(room: Room, slate: tuple[Candidate, ...]) -> Room:
    """No draw takes the place of what everyone needs."""
    notices = sum(item.essential for item in slate)
    return lambda others: room(others) if sum(item.essential for item in others) == notices else lambda item: False
