"""From a plan to the bounds that its slates are judged by."""

from __future__ import annotations

from compliance.policy.constitution.bounds import Bounds
from compliance.policy.types import Plan


def bounds_of(plan: Plan) -> Bounds:
    """What the plan asks of a finished slate. Raises BoundsRefused."""
    return Bounds(
        slate_size=plan.slate_size,
        audiences=plan.audiences,
        minor=plan.minor,
        min_label_confidence=plan.label_confidence,
        hidden_items=frozenset(plan.hidden_items),
        muted_topics=frozenset(plan.muted_topics),
        muted_creators=frozenset(plan.muted_creators),
        max_creator_share=plan.max_creator_share,
        max_topic_share=plan.max_topic_share,
        min_topics=plan.min_topics,
        max_promoted_share=plan.max_promoted_share,
        new_creator_share=plan.new_creator_share,
        essential_places=plan.essential_places,
    )
