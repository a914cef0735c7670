"""From a decision to its serve record, and from a serve record back to the slate that was served."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from compliance.audit.canonical import digest, encode
from compliance.audit.services import NewRecord
from compliance.audit.storage.inputs import StoredInputs, store_inputs
from compliance.policy.facts import Planned
from compliance.policy.kept import policies_of
from compliance.policy.reasons import whole
from compliance.policy.types import Reason
from compliance.serving.documents import output_document, plan_document, request_document, slate_document
from compliance.serving.pipeline import Decision
from compliance.serving.types import Context, Slate, SlateItem
from ranking.catalogue.clock import from_ms, to_ms
from ranking.serving.types import Asker, RankInputs, Situation

Document = dict[str, Any]
RECORD_VERSION: Final = 3


@dataclass(frozen=True, kw_only=True)
class Served:
    """Everything one request produced, before it is written down."""

    id: UUID
    context: Context
    planned: Planned
    asker: Asker
    situation: Situation
    inputs: RankInputs
    decision: Decision
    key: bytes  # of the person whose record it is

    @cached_property
    def stored(self) -> StoredInputs:
        """The inputs, sealed and addressed."""
        return store_inputs(self.inputs, key=self.key)

    @property
    def penalties(self) -> set[UUID]:
        """The decisions that act on an item of the slate."""
        return {one for each in self.penalties_by_item.values() for one in each}

    @property
    def penalties_by_item(self) -> dict[int, tuple[UUID, ...]]:
        """The decisions that act on each item of the slate; free items are left out."""
        items = self.decision.slate
        return {item.item_id: tuple(UUID(one) for one in item.penalties) for item in items if item.penalties}

    @cached_property
    def document(self) -> Document:
        """The serve record (DESIGN §4), without floats."""
        output = output_document(self.decision)
        return {
            "version": RECORD_VERSION,
            "id": str(self.id),
            "source": "",
            **request_document(
                asker=self.asker,
                situation=self.situation,
                facts=self.planned.facts,
                request=self.planned.request,
                timezone=self.context.timezone,
                device=self.context.device,
            ),
            "consent_id": self.planned.consent_id,
            "policy_sha256": self.planned.policies.sha256,
            "plan": plan_document(self.planned.plan),
            "model_sha256": self.inputs.model_sha256,
            "environment": self.decision.ranked.environment,
            "cache_state": self.decision.ranked.cache_state,
            "depth": self.decision.ranked.depth,
            "inputs": self.stored.document,
            "output": slate_document(output, self.inputs.explore, logging=self.planned.plan.logging),
            "output_sha256": digest(encode(output)),
        }


def new_record(served: Served, *, idempotency_key: str) -> NewRecord:
    """The row to write for a served slate."""
    return NewRecord(
        id=served.id,
        service=served.asker.owner.service,
        pseudonym=served.asker.owner.pseudonym,
        served_at=from_ms(to_ms(served.context.now)),  # as the document says it
        surface=served.context.surface,
        feed_mode=served.planned.plan.feed_mode,
        tier=served.planned.facts.tier,
        jurisdiction=served.planned.facts.jurisdiction,
        model_sha256=served.inputs.model_sha256,
        document=served.document,
        key=served.key,
        blobs=served.stored.blobs,
        pack=served.planned.policies.content,
        idempotency_key=idempotency_key,
    )


def slate_of(document: Document, *, replayed: bool) -> Slate:
    """The slate that a record says was served: what people get is read from the record itself."""
    output, plan = document["output"], document["plan"]
    return Slate(
        serve_id=UUID(document["id"]),
        surface=document["situation"]["surface"],
        feed_mode=plan["feed_mode"],
        offered_modes=tuple(plan["offered_modes"]),
        items=tuple(_slate_item(item) for item in output["items"]),
        applied_weights={head: float.fromhex(weight) for head, weight in output["applied_weights"].items()},
        reasons=_reasons(document),
        ui=tuple(plan["ui"]),
        shortfall=output["shortfall"],
        model_sha256=document["model_sha256"],
        replayed=replayed,
    )


def _reasons(document: Document) -> tuple[Reason, ...]:
    """Why a list is as it is. Earlier records kept the words themselves; later ones name rules of their policy set."""
    said = document["plan"]["reasons"]
    if document["version"] < RECORD_VERSION:
        return tuple(Reason(**reason) for reason in said)
    return whole(said, policies_of(document["policy_sha256"]))


def _slate_item(item: Document) -> SlateItem:
    scores, blended = item["scores"], item["blended"]
    return SlateItem(
        rank=item["rank"],
        item_id=item["item_id"],
        source=item["source"],
        scores=None if scores is None else {head: float.fromhex(score) for head, score in scores.items()},
        blended=None if blended is None else float.fromhex(blended),
        propensity=float.fromhex(item["propensity"]),
        explored=item["explored"],
        penalties=tuple(UUID(one) for one in item.get("penalties", ())),  # earlier records had none
    )
