"""What is looked for in one plan: each yields what it sees that must not be (see `invariants.py`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from compliance.policy.checking.reasoned import without_reason
from compliance.policy.checking.states import State
from compliance.policy.controls import FEATURES_OF, SOURCES_OF
from compliance.policy.policy_set import PolicySet
from compliance.policy.types import Plan
from compliance.policy.vocabulary import ENGAGEMENT_HEADS, OBSERVED
from compliance.subjects.values import NON_PROFILED

ABOUT_THE_PERSON: Final = frozenset({*OBSERVED, "profile"})
Seen = Iterator[str]
Broken = Callable[[PolicySet, State, Plan], Seen]


def no_profiled_ads(_: PolicySet, __: State, plan: Plan) -> Seen:
    """Adverts that are chosen by what is known about the person."""
    if plan.ads == "profiled":
        yield "adverts are chosen by profiling"


def no_engagement(_: PolicySet, __: State, plan: Plan) -> Seen:
    """An order for time spent."""
    if plan.objective != "explicit":
        yield f"the objective is {plan.objective!r}"
    weighed = sorted(head for head in ENGAGEMENT_HEADS if plan.weights.get(head))
    if weighed:
        yield f"{weighed[0]} has a weight"


def no_watch_time(_: PolicySet, __: State, plan: Plan) -> Seen:
    """Watch time as an input."""
    if "history.watch_time" in plan.features:
        yield "watch time is read"


def no_autoplay(_: PolicySet, __: State, plan: Plan) -> Seen:
    """An interface that goes on by itself."""
    yield from (f"{flag} is missing" for flag in ("no_autoplay", "no_infinite_scroll") if flag not in plan.ui)


def private(_: PolicySet, __: State, plan: Plan) -> Seen:
    """A profile that others see, or a streak."""
    yield from (f"{flag} is missing" for flag in ("private_by_default", "no_streaks") if flag not in plan.ui)


def no_push(_: PolicySet, __: State, plan: Plan) -> Seen:
    """A notification."""
    if plan.push != "forbidden":
        yield f"push is {plan.push}"


def not_about_the_person(_: PolicySet, __: State, plan: Plan) -> Seen:
    """Anything observed or inferred about the person, as an input, a source or an order."""
    if plan.feed_mode not in NON_PROFILED:
        yield f"the order is {plan.feed_mode}"
    if read := sorted(ABOUT_THE_PERSON & set(plan.features)):
        yield f"{read[0]} is read"
    if "similar" in plan.sources:
        yield "items come from what is similar to the person's past"


def at_most_an_hour(_: PolicySet, __: State, plan: Plan) -> Seen:
    """More than sixty minutes a day."""
    if plan.daily_minutes > 60:
        yield f"the list is open {plan.daily_minutes} minutes a day"


def nothing_drawn(_: PolicySet, __: State, plan: Plan) -> Seen:
    """Exploration."""
    if plan.explore_probability or plan.explore_pool:
        yield f"items are drawn at random with probability {plan.explore_probability}"


def only_labelled(_: PolicySet, __: State, plan: Plan) -> Seen:
    """Items without a label for minors."""
    for audience, words in (("", "unlabelled items"), ("adult", "items for adults")):
        if audience in plan.audiences:
            yield f"{words} are shown"
    if not plan.label_confidence:
        yield "a label of any confidence is enough"


def only_for_children(_: PolicySet, __: State, plan: Plan) -> Seen:
    """Items that are not for children."""
    if set(plan.audiences) != {"child"}:
        yield f"items for {', '.join(plan.audiences) or 'nobody'} are shown"


def enhanced_logging(_: PolicySet, __: State, plan: Plan) -> Seen:
    """A list that is not recorded in full."""
    if plan.logging != "enhanced":
        yield f"logging is {plan.logging}"


def not_asked(_: PolicySet, __: State, plan: Plan) -> Seen:
    """A survey."""
    if plan.survey != "never":
        yield "a survey is asked"


def non_profiled_option(policies: PolicySet, state: State, plan: Plan) -> Seen:
    """A surface without a non-profiled order, one that is profiled in truth, or an order without sources."""
    if not set(plan.offered_modes) & set(NON_PROFILED):
        yield "no non-profiled order is offered"
    if plan.feed_mode in NON_PROFILED and (read := sorted(ABOUT_THE_PERSON & set(plan.features))):
        yield f"the order {plan.feed_mode} reads {read[0]}"
    if not plan.sources:
        yield f"the order {plan.feed_mode} has no source"


def choice_kept(_: PolicySet, state: State, plan: Plan) -> Seen:
    """Another order than the one that was chosen and is offered."""
    if state.chosen in plan.offered_modes and plan.feed_mode != state.chosen:
        yield f"{state.chosen} was chosen and is offered, and {plan.feed_mode} is served"


def signals_kept(_: PolicySet, state: State, plan: Plan) -> Seen:
    """A signal that is read, or a source that goes by it, although it is switched off."""
    off = {feature for signal in state.signals_off for feature in FEATURES_OF[signal]}
    if plan.feed_mode in NON_PROFILED:
        off -= {"follows"}  # who asks for an order by whom they follow is read that
    if read := sorted(off & set(plan.features)):
        yield f"{read[0]} is switched off, and read"
    gone = {source for signal in state.signals_off for source in SOURCES_OF.get(signal, ())}
    if plan.order == "score" and (left := sorted(gone & set(plan.sources))):
        yield f"the source {left[0]} goes by a signal that is switched off"


def limits_kept(_: PolicySet, state: State, plan: Plan) -> Seen:
    """A list that is open beyond its limits, or closed before."""
    usage = state.inputs()[0].usage
    if (usage.day_minutes >= plan.daily_minutes) != ("day_used_up" in plan.closed):
        yield f"{usage.day_minutes} of {plan.daily_minutes} minutes are used, and the list is {_open(plan)}"
    due = usage.session_minutes >= plan.session_minutes and usage.break_minutes < plan.break_minutes
    if due != ("break_due" in plan.closed):
        yield f"a break is {'due' if due else 'not due'}, and the list is {_open(plan)}"
    if usage.asleep and "asleep" not in plan.closed:
        yield "the list is open in the person's own hours of sleep"
    own = state.used.own_day and plan.daily_minutes > max(1, state.limits.daily - 1)
    if own or (state.used.own_session and plan.session_minutes > max(1, state.limits.session - 1)):
        yield "a stricter limit of the person's own does not count"


def _open(plan: Plan) -> str:
    return "closed" if plan.closed else "open"


def reasoned(policies: PolicySet, state: State, plan: Plan) -> Seen:
    """A field that no rule is named for."""
    yield from (f"{field} has no reason" for field in without_reason(policies, state, plan))
