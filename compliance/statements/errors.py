"""Refusals of this room. Each is a sentence: what happened, which rule, what to do next."""

from __future__ import annotations

from uuid import UUID


class DecisionRefused(ValueError):
    """A decision lacks what its statement must say, so none of it was stored."""


class AlreadyDecided(Exception):
    """The item is already under a decision by this rule in this scope."""

    def __init__(self, decision_id: UUID) -> None:
        super().__init__(
            f"Decision {decision_id} already holds this item by this rule in this scope: one decision, one statement "
            "(DSA Art. 17). Reverse it first, or choose another scope."
        )
        self.decision_id = decision_id


class NoStatement(Exception):
    """A penalty was to be applied that has no statement of reasons (DSA Art. 17)."""


class ComplaintRefused(ValueError):
    """A complaint, its evidence or its review is not as it must be, so nothing was stored."""


class NotReviewable(Exception):
    """This actor may not close this complaint (DSA Art. 20(6)), or it is closed."""
