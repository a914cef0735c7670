"""Which fields of a plan were decided by a rule that the plan does not name (DSA Art. 27(2), D27)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from compliance.policy.checking.states import State
from compliance.policy.policy_set import PolicySet
from compliance.policy.types import Plan
from compliance.policy.vocabulary import AUDIENCES, EFFECTS

SCALARS: Final = tuple(
    name for name, effect in EFFECTS.items() if effect.combine in ("least", "most", "ranked") and name != "default_mode"
)


def without_reason(policies: PolicySet, state: State, plan: Plan) -> Iterator[str]:
    """Every field, or part of one, that differs from "nothing is restricted" and for which no reason is given."""
    named = {reason.field for reason in plan.reasons}  # each with law and words: a pack without them is refused
    return (field for field in _decided(policies, state, plan, named) if field not in named)


def _decided(policies: PolicySet, state: State, plan: Plan, named: set[str]) -> Iterator[str]:
    yield "feed_mode"
    yield from SCALARS
    spec = policies.modes[plan.feed_mode]
    yield from (f"offered_modes.{mode}" for mode in policies.modes if mode not in plan.offered_modes)
    yield from (f"features.{one}" for one in spec.features if one not in plan.features)
    for source in spec.sources[dict(state.facts)["surface"]]:
        of_follows = "features.follows" in named and "follows" in state.signals_off  # one signal, two consequences
        if source not in plan.sources and not of_follows:
            yield f"sources.{source}"
    if spec.order == "score":
        yield from (f"weights.{one}" for one in policies.base.objectives[plan.objective] if one not in plan.weights)
    if len(plan.audiences) <= len(AUDIENCES):
        yield "audiences"
    yield from (f"ui.{flag}" for flag in plan.ui)
    yield from (f"closed.{why}" for why in plan.closed)
    yield from (f"hidden_from_guardian.{one}" for one in plan.hidden_from_guardian)
