"""What is looked for in the scalars of one plan: what the rules decided, and bounds that no pack may leave."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Any, Final

from compliance.policy.checking.predicates import Broken, Seen
from compliance.policy.checking.states import State
from compliance.policy.policy_set import PolicySet
from compliance.policy.router import merged
from compliance.policy.types import Plan
from compliance.policy.vocabulary import EFFECTS
from compliance.subjects.values import NON_PROFILED

MOST_PROMOTED: Final = 0.25
SCORED: Final = {"max_topic_share": 1.0, "max_creator_share": 1.0, "min_topics": 0, "new_creator_share": 0.0}
"""What is mixed where we choose, and what stands in the plan where the person did."""
OWN_MAY_BE_LESS: Final = ("daily_minutes", "session_minutes")
FORBIDDEN: Final = {"forbid_modes": "offered_modes", "forbid_sources": "sources", "forbid_features": "features"}
EQUAL: Final = tuple(
    name
    for name, effect in EFFECTS.items()
    if not effect.field and name not in {"default_mode", "explore_probability", "break_minutes", *OWN_MAY_BE_LESS}
)


def as_decided(policies: PolicySet, state: State, plan: Plan) -> Seen:
    """A field that says something else than the rules decided, or a stricter limit of the person's own."""
    values = _decided(policies, state.facts, state.day)
    yield from _not_equal(plan, values)
    for name in (*OWN_MAY_BE_LESS, "explore_probability"):
        if getattr(plan, name) > values[name]:
            yield f"{name} is {getattr(plan, name)}, and the rules decided {values[name]}"
    if plan.break_minutes < values["break_minutes"]:
        yield f"break_minutes is {plan.break_minutes}, and the rules decided {values['break_minutes']}"
    for name, field in FORBIDDEN.items():
        if kept := sorted(set(values[name]) & set(getattr(plan, field))):
            yield f"{kept[0]} is forbidden, and among {field}"
    if open_still := sorted(set(values["close"]) - set(plan.closed)):
        yield f"the rules close the list ({open_still[0]}), and it is open"


def _not_equal(plan: Plan, values: dict[str, Any]) -> Seen:
    for name in EQUAL:
        wanted = values[name]
        if name == "audiences":
            wanted = tuple("" if one == "unlabelled" else one for one in wanted)
        if name in SCORED and plan.order != "score":
            wanted = SCORED[name]
        if getattr(plan, name) != wanted:
            yield f"{name} is {getattr(plan, name)}, and the rules decided {wanted}"


def weights_bounded(policies: PolicySet, _: State, plan: Plan) -> Seen:
    """A weight that is negative or is not the pack's, an own weight beyond its bound, a list without an end."""
    base = policies.base
    of_pack = base.objectives[plan.objective]
    for head, weight in plan.weights.items():
        if weight < 0 or weight != of_pack.get(head):
            yield f"{head} weighs {weight}, and the pack says {of_pack.get(head, 'nothing')}"
    if any(abs(one.milli) > base.control_milli for one in plan.adjustments):
        yield f"a control weighs more than {base.control_milli} thousandths"
    if plan.slate_size > base.slate_size or plan.pool_size > base.pool_size:
        yield f"a list has up to {plan.slate_size} places out of {plan.pool_size}"


def few_promoted(most: float) -> Broken:
    """More promoted places than a share."""

    def broken(_: PolicySet, __: State, plan: Plan) -> Seen:
        if plan.max_promoted_share > most:
            yield f"{plan.max_promoted_share} of the list may be promoted"

    return broken


def few_pushes(most: int) -> Broken:
    """More notifications a day than some."""

    def broken(_: PolicySet, __: State, plan: Plan) -> Seen:
        if plan.push_per_day > most:
            yield f"{plan.push_per_day} notifications a day are allowed"

    return broken


def pauses(*, after: int, rest: int) -> Broken:
    """A session that goes on for longer than some minutes, or a break that is shorter."""

    def broken(_: PolicySet, __: State, plan: Plan) -> Seen:
        if plan.session_minutes > after or plan.break_minutes < rest:
            yield f"a break of {plan.break_minutes} minutes after {plan.session_minutes}"

    return broken


def shows(*flags: str) -> Broken:
    """An interface that lacks something."""

    def broken(_: PolicySet, __: State, plan: Plan) -> Seen:
        yield from (f"{flag} is missing" for flag in flags if flag not in plan.ui)

    return broken


def within(*audiences: str) -> Broken:
    """Items for others."""

    def broken(_: PolicySet, __: State, plan: Plan) -> Seen:
        if others := sorted(set(plan.audiences) - set(audiences)):
            yield f"items for {others[0] or 'nobody in particular'} are shown"

    return broken


def hidden(*parts: str) -> Broken:
    """Something that a guardian sees and should not."""

    def broken(_: PolicySet, __: State, plan: Plan) -> Seen:
        yield from (f"a guardian sees {one}" for one in parts if one not in plan.hidden_from_guardian)

    return broken


def no_location(_: PolicySet, __: State, plan: Plan) -> Seen:
    """Where the person is, as an input."""
    if "location" in plan.features:
        yield "location is read"


def starts_non_profiled(_: PolicySet, state: State, plan: Plan) -> Seen:
    """A profiled order that nobody chose."""
    if plan.feed_mode not in NON_PROFILED and plan.feed_mode != state.chosen:
        yield f"the order is {plan.feed_mode}, and nobody chose it"


@lru_cache(maxsize=256)
def _decided(policies: PolicySet, facts: tuple[tuple[str, str], ...], day: date) -> dict[str, Any]:
    """What the rules that apply in a state decide: asked of the rules themselves, not of the router."""
    return merged(policies.compiled, policies.compiled.applying(dict(facts), day)).values
