"""What a policy set would have changed: recent requests, as they were recorded, planned once more.

The report names nobody: counts by field and tier, and examples by what rules may read.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from itertools import islice
from typing import Any, Final

from compliance.audit.models import ServeRecord
from compliance.audit.selectors import documents_of
from compliance.policy.policy_set import PolicySet
from compliance.policy.router import NoOrder, plan
from compliance.policy.types import Plan, RequestFacts, SubjectFacts
from compliance.policy.vocabulary import jurisdiction_of
from compliance.serving.documents import facts_of, request_of

OF_THE_PERSON: Final = frozenset(
    {"reasons", "policy_sha256", "adjustments", "hidden_items", "muted_topics", "muted_creators", "muted_keywords"}
)
"""Fields that no pack decides, and that say what somebody set for themselves."""
EXAMPLES: Final = 10
RECORD_VERSION: Final = 3
"""Records before this hold the facts of an earlier router."""
AT_ONCE: Final = 200


def dry_run(*, service: str, now: PolicySet, then: PolicySet, last: int) -> dict[str, Any]:
    """Plan the last records of a service by the set in force and by another; say where the plans differ.

    Records that cannot be opened any more (their person was erased) are counted as left out.
    """
    fields: Counter[str] = Counter()
    tiers: Counter[str] = Counter()
    modes: Counter[str] = Counter()
    examples: list[dict[str, Any]] = []
    looked = planned = refused = 0
    records = ServeRecord.objects.filter(service=service).order_by("-id")[:last].iterator(chunk_size=AT_ONCE)
    while batch := list(islice(records, AT_ONCE)):
        looked += len(batch)
        for _, document in documents_of(batch):
            if document["version"] != RECORD_VERSION or not document.get("facts"):
                continue
            planned += 1
            facts, request = facts_of(document), request_of(document)
            before, after = _plan(now, facts, request), _plan(then, facts, request)
            refused += after is None
            changed = _differences(before, after)
            if not changed:
                continue
            fields.update(changed.keys())
            tiers[facts.tier] += 1
            modes.update([changed["feed_mode"]] if "feed_mode" in changed else [])
            if len(examples) < EXAMPLES and not any(one["changed"] == changed for one in examples):
                examples.append({"who": _who(facts, request), "changed": changed})
    return {
        "before_sha256": now.sha256,
        "after_sha256": then.sha256,
        "looked_at": looked,
        "left_out": looked - planned,
        "planned": planned,
        "changed": sum(tiers.values()),
        "not_planned": refused,
        "by_field": dict(sorted(fields.items())),
        "by_tier": dict(sorted(tiers.items())),
        "feed_mode": dict(sorted(modes.items())),
        "examples": examples,
    }


def _plan(policies: PolicySet, facts: SubjectFacts, request: RequestFacts) -> Plan | None:
    try:
        return plan(policies, facts, request)
    except NoOrder:
        return None


def _differences(before: Plan | None, after: Plan | None) -> dict[str, str]:
    """What changed, field by field, as "before -> after"."""
    if before is None or after is None:
        return {} if before is after else {"plan": "none -> some" if before is None else "some -> none"}
    old, new = asdict(before), asdict(after)
    return {
        name: f"{_words(old[name])} -> {_words(new[name])}"
        for name in old
        if name not in OF_THE_PERSON and old[name] != new[name]
    }


def _words(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return ", ".join(str(one) or "unlabelled" for one in value) or "none"
    return str(value)


def _who(facts: SubjectFacts, request: RequestFacts) -> dict[str, Any]:
    """What rules may read: nothing that tells one person from all the others alike."""
    return {
        "tier": facts.tier,
        "assurance": facts.assurance,
        "jurisdiction": jurisdiction_of(facts.jurisdiction),
        "consent": facts.consent,
        "parental_consent": facts.parental_consent,
        "guarded": facts.guarded,
        "surface": request.surface,
        "hours": request.hours,
        "school_day": request.school_day,
    }
