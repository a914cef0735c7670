"""Which items could take a place that was left free, and keep every principle: what exploration draws from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from compliance.policy.constitution.bounds import MILLE, Bounds, Offer, Placeable, Slate
from compliance.policy.constitution.verifier import broken_alone


class Joining:
    """Counts the others once, so that each item is asked about in a few steps.

    It says of an item what `verifier.violations` says of the others with that item; a test holds the two together.
    """

    def __init__(self, bounds: Bounds, offer: Offer, pool: Slate) -> None:
        self._bounds, self._offer = bounds, offer
        self._barred = {pool[place].item_id for place in broken_alone(bounds, pool)}

    def __call__(self, others: Sequence[Placeable]) -> Callable[[Placeable], bool]:
        """Says of an item of the pool whether it may join the others, which without it have one place too few."""
        bounds, size = self._bounds, len(others) + 1
        if size > bounds.slate_size or broken_alone(bounds, others):
            return lambda item: False
        ids = {item.item_id for item in others}
        full = self._full(Counter([one.creator_id for one in others if one.creator_id]), bounds.max_creator_share)
        crowded = self._full(Counter([topic for one in others for topic in {*one.topics}]), bounds.max_topic_share)
        shown = {topic for one in others for topic in one.topics}
        topics_owed = min(bounds.min_topics, self._offer.topics, size)
        new_owed = min(self._whole(bounds.new_creator_share), self._offer.new_creator_items, size)
        new = sum(one.new_creator for one in others)
        promoted, essential = sum(one.promoted for one in others), sum(one.essential for one in others)

        def joins(item: Placeable) -> bool:
            return (
                item.item_id not in self._barred
                and item.item_id not in ids
                and item.creator_id not in full
                and crowded.isdisjoint(item.topics)
                and len(shown.union(item.topics)) >= topics_owed
                and new + item.new_creator >= new_owed
                and (promoted + item.promoted) * MILLE <= round(bounds.max_promoted_share * MILLE) * size
                and essential + item.essential <= bounds.essential_places
            )

        return joins

    def _whole(self, share: float) -> int:
        return round(share * MILLE) * self._bounds.slate_size // MILLE

    def _full(self, times: Counter[int] | Counter[str], share: float) -> set[int | str]:
        most = max(1, self._whole(share))
        return {key for key, count in times.items() if count >= most}
