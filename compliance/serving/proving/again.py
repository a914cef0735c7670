"""Decide a served list again from inputs gathered afresh: same moment, same seed, with or without one control.

A replay decides from recorded inputs; what a mute leaves out was never recorded, so here the world is read again. That
the list with the control comes out as it was recorded, to the bit, shows that the world is still the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from compliance.audit.canonical import digest, encode
from compliance.policy import router
from compliance.policy.kept import policies_of
from compliance.policy.types import Plan, SubjectFacts
from compliance.serving import pipeline
from compliance.serving.documents import facts_of, output_document, request_of
from compliance.serving.proving.taking import Taken, without
from ranking.serving.scorer import Scorer, live_scorer
from ranking.serving.types import Asker, Owner, RankInputs, Situation

Document = dict[str, Any]


class WorldMoved(RuntimeError):
    """What a list was decided from has changed since, so that comparing would blame a control for it."""


@dataclass(frozen=True, kw_only=True)
class Decided:
    """One list and all that it was decided from."""

    facts: SubjectFacts
    asker: Asker
    situation: Situation
    plan: Plan
    inputs: RankInputs
    decision: pipeline.Decision

    @property
    def items(self) -> tuple[int, ...]:
        """The list's items in order."""
        return tuple(item.item_id for item in self.decision.slate)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A list as it was served, and as it would have been without one control."""

    taken: Taken
    document: Document
    served: Decided
    other: Decided

    def again(self, facts: SubjectFacts, asker: Asker) -> Decided:
        """A third list, from other facts, of the same moment."""
        return decide(self.document, facts, asker, self.served.situation)


def with_and_without(document: Document, *, subject_id: UUID, taken: Taken) -> Pair:
    """Decide a recorded list again with and without one control. Raises NothingTaken, WorldMoved."""
    facts, asker = facts_of(document), asker_of(document, subject_id)
    other = without(taken, facts, asker)
    situation = situation_of(document)
    served = decide(document, facts, asker, situation)
    if digest(encode(output_document(served.decision))) != document["output_sha256"]:
        raise WorldMoved(
            "The list does not come out as it was recorded: the catalogue, the model, follows or what is popular have "
            "changed since. Serve a new list, and prove that one."
        )
    return Pair(taken=taken, document=document, served=served, other=decide(document, *other, situation))


def decide(document: Document, facts: SubjectFacts, asker: Asker, situation: Situation) -> Decided:
    """Plan, gather and decide, as the door does, and record nothing."""
    plan = router.plan(policies_of(document["policy_sha256"]), facts, request_of(document))
    scorer = _scorer(plan)
    inputs = pipeline.gather(plan, asker, situation, scorer)
    decision = pipeline.decide(plan, inputs, None, situation.seed, scorer)
    return Decided(facts=facts, asker=asker, situation=situation, plan=plan, inputs=inputs, decision=decision)


def asker_of(document: Document, subject_id: UUID) -> Asker:
    """Who asked, by the record."""
    said = document["asker"]
    owner = Owner(service=said["service"], pseudonym=UUID(said["pseudonym"]), epoch=said["epoch"])
    return Asker(owner=owner, subject_id=subject_id, region=said["region"], since_ms=said["since_ms"])


def situation_of(document: Document) -> Situation:
    """Where and when, by the record."""
    said = document["situation"]
    return Situation(**{**said, "seed": int(said["seed"])})


def from_now_on(decided: Decided) -> Asker:
    """The same person, of whose past nothing may be read."""
    return replace(decided.asker, since_ms=decided.situation.now_ms)


def _scorer(plan: Plan) -> Scorer | None:
    return live_scorer() if plan.order == "score" else None
