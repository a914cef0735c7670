"""What an idempotency key answered before, and whether that may still be answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from compliance.audit import selectors
from compliance.audit.canonical import canonical, digest
from compliance.policy.facts import Planned
from compliance.policy.types import Plan
from compliance.serving.documents import plan_document
from compliance.serving.restricting import restrictions_for
from compliance.serving.types import Context
from compliance.subjects.models import Subject
from ranking.catalogue.selectors import eligible_items

Document = dict[str, Any]


class KeyReused(ValueError):
    """An idempotency key that already answered a request for another list."""


def answer_to(subject: Subject, context: Context, key: str) -> Document | None:
    """The record's document that answered the key; None when there is none. Raises KeyReused."""
    found = selectors.record_for_key(pseudonym=subject.pseudonym, key=key) if key else None
    if found is None:
        return None
    document = selectors.document_of(found)
    situation = document["situation"]
    asked = (situation["surface"], situation["anchor_id"], document["request"]["slate_size"])
    if asked != (context.surface, context.anchor_id, context.slate_size):
        raise KeyReused(
            "This idempotency key already answered a request for another list: use a new key for a new request."
        )
    return document


def still_allowed(subject: Subject, document: Document, planned: Planned, now: datetime) -> bool:
    """Whether the list would still be allowed: the same policy applies, and every item may still be shown."""
    plan = planned.plan
    if not _same_policy(plan, document["plan"]):
        return False
    shown = {item["item_id"] for item in document["output"]["items"]}
    anchor = document["situation"]["anchor_id"]
    shown |= {anchor} if anchor is not None else set()
    allowed = restrictions_for(subject, tier=planned.facts.tier, now=now).leave(
        eligible_items(service=subject.service, audiences=plan.audiences, hidden=(), confidence=plan.label_confidence)
    )
    return allowed.filter(id__in=shown).count() == len(shown)


def _same_policy(plan: Plan, recorded: dict[str, object]) -> bool:
    """Whether a recorded plan allows what `plan` allows. Hidden items may differ: the list stands without them."""
    now = {**plan_document(plan), "hidden_items": []}
    return digest(canonical(now)) == digest(canonical({**recorded, "hidden_items": []}))
