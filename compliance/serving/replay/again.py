"""Deciding a list again in the form in which it was decided: records of every version that was ever written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from compliance.policy import router
from compliance.policy.first import pack as first_pack
from compliance.policy.first import router as first_router
from compliance.policy.first.types import RequestFacts as FirstRequest
from compliance.policy.first.types import SubjectFacts as FirstSubject
from compliance.policy.policy_set import of_content
from compliance.serving import documents
from compliance.serving.first import deciding as first_deciding
from compliance.serving.first import documents as first_documents
from compliance.serving.pipeline import decide
from ranking.serving.scorer import Scorer
from ranking.serving.types import RankInputs

Document = dict[str, Any]

FIRST: Final = (1, 2)
"""Versions of records whose policy was one pack of the first form."""


@dataclass(frozen=True, kw_only=True)
class Decided:
    """A plan and an output as documents; `kept` is the part of the output that a record keeps."""

    plan: Document
    output: Document
    kept: Document
    depth: int | None


def decide_again(document: Document, policy: bytes, inputs: RankInputs, scorer: Scorer | None) -> Decided:
    """Decide what a record says was decided. Raises PackRefused and what the pipeline raises."""
    make = _first if document["version"] in FIRST else _today
    plan, output, depth = make(document, policy, inputs, scorer)
    logging = plan.get("logging", "standard")
    kept = documents.slate_document(output, inputs.explore, logging=logging) if "inputs" in document else output
    return Decided(plan=plan, output=output, kept=kept, depth=depth)


def _today(
    document: Document, policy: bytes, inputs: RankInputs, scorer: Scorer | None
) -> tuple[Document, Document, int | None]:
    plan = router.plan(of_content(policy), documents.facts_of(document), documents.request_of(document))
    decision = decide(plan, inputs, None, int(document["situation"]["seed"]), scorer)
    return documents.plan_document(plan), documents.output_document(decision), decision.ranked.depth


def _first(
    document: Document, policy: bytes, inputs: RankInputs, scorer: Scorer | None
) -> tuple[Document, Document, int | None]:
    told = document["facts"]
    facts = FirstSubject(**{**told, "hidden_items": tuple(told["hidden_items"])})
    plan = first_router.plan(first_pack.parse(policy), facts, FirstRequest(**document["request"]))
    decision = first_deciding.decide(plan, inputs, int(document["situation"]["seed"]), scorer)
    return first_documents.plan_document(plan), first_documents.output_document(decision), decision.ranked.depth
