"""What an idempotency key answered before, and whether that may still be answered."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from compliance.audit import selectors
from compliance.audit.canonical import canonical, digest
from compliance.policy.facts import Planned
from compliance.policy.types import Plan
from compliance.serving.documents import plan_document
from compliance.serving.restricting import restrictions_for
from compliance.serving.types import Context
from compliance.subjects.models import Subject
from ranking.catalogue.selectors import Mutes, eligible_items
from ranking.retrieval.rows import FREE
from ranking.retrieval.sources import in_force

ESSENTIAL: Final = "essential"

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
    """Whether the list would still be allowed as it is.

    The same policy applies; every item may still be shown and is neither hidden nor muted; every notice still holds;
    and the same decisions act on the items. What is new since (an item, a notice) does not end a list.
    """
    plan, items = planned.plan, document["output"]["items"]
    if not _same_policy(plan, document["plan"]):
        return False
    shown = {item["item_id"] for item in items}
    anchor = document["situation"]["anchor_id"]
    decided = restrictions_for(subject, tier=planned.facts.tier, now=now)
    if not shown.isdisjoint(plan.hidden_items) or not may_be_shown(subject, planned, shown, now, anchor=anchor):
        return False
    notices = {item["item_id"] for item in items if item["source"] == ESSENTIAL}
    if not notices <= in_force(notices, region=subject.region, now=now):
        return False
    acting = decided.penalties(shown)
    return all(set(item.get("penalties", ())) == set(acting.get(item["item_id"], FREE).decisions) for item in items)


def may_be_shown(
    subject: Subject, planned: Planned, item_ids: Collection[int], now: datetime, *, anchor: int | None = None
) -> bool:
    """Whether each of these items may be in a list of this person, about `anchor` if any: one query for the items.

    Who opens an item's own page may mute what it is about: mutes do not hold for the anchor.
    """
    plan = planned.plan
    mutes = Mutes(topics=plan.muted_topics, creators=plan.muted_creators, keywords=plan.muted_keywords)
    eligible = restrictions_for(subject, tier=planned.facts.tier, now=now).leave(
        eligible_items(service=subject.service, audiences=plan.audiences, hidden=(), confidence=plan.label_confidence)
    )
    if anchor is not None and not eligible.filter(id=anchor).exists():
        return False
    return mutes.leave(eligible).filter(id__in=item_ids).count() == len(set(item_ids))


def _same_policy(plan: Plan, recorded: dict[str, object]) -> bool:
    """Whether a recorded plan allows what `plan` allows. Hidden items may differ where none of them is shown."""
    now = {**plan_document(plan), "hidden_items": []}
    return digest(canonical(now)) == digest(canonical({**recorded, "hidden_items": []}))
