"""Judge a pair of lists: what the control names has changed, as it should, and nothing else has.

What "nothing else" is, is defined for each kind of control, and checked without the code that applied it: topics,
creators and words are looked up again, histories are read again from the events, sums are added again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from compliance.policy.controls import FEATURES_OF
from compliance.policy.kept import policies_of
from compliance.serving.proving.again import Pair
from compliance.serving.proving.comparing import (
    Faults,
    by_id,
    moments,
    named_by,
    not_profiled,
    past_is_what_was_done,
    same_items,
    same_order,
    same_past,
    same_plan,
    same_reads,
    same_scores,
    same_user,
)
from ranking.serving.signals import WATCH_TIME
from ranking.serving.trace import FEATURE_READS


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What taking a control away changed, and what it should not have."""

    control: str
    served: tuple[int, ...]
    other: tuple[int, ...]
    named: tuple[int, ...]  # the candidates that the control is about
    faults: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether the control did what it says, and nothing else."""
        return not self.faults


def prove(pair: Pair) -> Proof:
    """Judge one pair of lists."""
    judge = _JUDGES[pair.taken.kind]
    if pair.served.plan.adjustments != pair.other.plan.adjustments:
        judge = _adjustment
    named = named_by(pair)
    return Proof(
        control=str(pair.taken),
        served=pair.served.items,
        other=pair.other.items,
        named=tuple(sorted(named)),
        faults=tuple(judge(pair, named)),
    )


def _mute(pair: Pair, named: set[int]) -> Faults:
    """What is named is no candidate; all else keeps its scores to the bit, or its order; and is only moved up."""
    field = "hidden_items" if pair.taken.kind == "hide" else f"muted_{pair.taken.kind}s"
    yield from same_plan(pair, but={field})
    yield from same_reads(pair, gone=set())
    before, after = by_id(pair.other.inputs), by_id(pair.served.inputs)
    if not named & set(before):
        yield "Nothing that is named is a candidate without the control, so nothing was shown."
    if left := named & (set(after) | {one.item_id for one in pair.served.inputs.explore}):
        yield f"{sorted(left)} are named, and candidates all the same."
    if dropped := set(before) - set(after) - named and len(after) < pair.served.plan.pool_size:
        yield f"{dropped} are not named, and no candidates any more."
    yield from same_items(pair)
    yield from same_past(pair)
    if pair.served.inputs.tokens is None:
        yield from same_order(pair, named)
    else:
        yield from same_scores(pair)


def _adjustment(pair: Pair, named: set[int]) -> Faults:
    """The same candidates with the same probabilities; the amount is added to what is named, and to nothing else."""
    yield from same_plan(pair, but={"adjustments"})
    yield from same_reads(pair, gone=set(), new={"declared.follows"} if pair.taken.target == "close_friends" else set())
    one, other = pair.served.inputs, pair.other.inputs
    if [item.item_id for item in one.candidates] != [item.item_id for item in other.candidates]:
        yield "The candidates are others."
        return
    yield from same_past(pair)
    wish = next(wish for wish in pair.served.plan.adjustments if wish not in pair.other.plan.adjustments)
    most = policies_of(pair.document["policy_sha256"]).base.control_milli
    if not named:
        yield "No candidate is named, so nothing was shown."
    if not 0 < abs(wish.milli) <= most:
        yield f"{wish.milli} thousandths are more than the {most} that a control may weigh."
    served, without = pair.served.decision.ranked, pair.other.decision.ranked
    if served.probability_MT is None or without.probability_MT is None or served.blended_M is None:
        yield "Nothing was scored."
        return
    if served.probability_MT.tobytes() != without.probability_MT.tobytes():
        yield "Probabilities differ."
    assert without.blended_M is not None  # noqa: S101 - scored, as was just seen
    size = len(one.candidates)
    was, now = (ranked.adjusted or (0,) * size for ranked in (without, served))
    for at, item in enumerate(one.candidates):
        expected = wish.milli if item.item_id in named else 0
        if now[at] - was[at] != expected:
            yield f"Item {item.item_id} got {now[at] - was[at]} thousandths instead of {expected}."
        if not was[at]:
            summed = np.float32(np.float64(without.blended_M[at]) + np.float64(now[at]) / 1000)
            if summed != served.blended_M[at]:
                yield f"Item {item.item_id} is blended to {served.blended_M[at]} instead of {summed}."


def _signal(pair: Pair, named: set[int]) -> Faults:
    """What the signal stands for is not read; the rest of the past, and all else of the person, is as it was."""
    features = set(FEATURES_OF[pair.taken.target])
    gone = {read for read, feature in FEATURE_READS.items() if feature in features}
    yield from same_plan(pair, but={"features", "sources"})
    if set(pair.other.plan.features) - set(pair.served.plan.features) != features:
        yield "Other features are off too."
    yield from same_reads(pair, gone=gone & set(pair.other.inputs.reads))
    if not gone & set(pair.other.inputs.reads):
        yield "Nothing of the signal was read without the control, so nothing was shown."
    for decided in (pair.served, pair.other):
        yield from past_is_what_was_done(decided)
    if WATCH_TIME in features and (tokens := pair.served.inputs.tokens) is not None:
        content = tokens.event_content_BSD[0][tokens.event_mask_BS[0]]
        if len(content) and (content != content[0]).any():
            yield "How long something was watched is still an input."
    yield from same_user(pair)
    yield from same_items(pair)


def _feed_mode(pair: Pair, named: set[int]) -> Faults:
    """Nothing observed or inferred is read, nothing is scored, and a past more or less makes no difference."""
    if pair.served.plan.feed_mode != pair.served.facts.chosen_mode:
        yield f"The list was served as {pair.served.plan.feed_mode}."
    if pair.served.plan.feed_mode == pair.other.plan.feed_mode:
        yield "The order would be the same without the choice, so nothing was shown."
    yield from not_profiled(pair)


def _pause(pair: Pair, named: set[int]) -> Faults:
    """The list is the one that somebody gets who chose that order, and reads nothing observed or inferred."""
    if pair.other.plan.feed_mode != "personalised":
        yield "The list is not personalised without the pause either, so nothing was shown."
    yield from not_profiled(pair)
    chosen = pair.again(replace(pair.other.facts, chosen_mode=pair.served.plan.feed_mode), pair.other.asker)
    if chosen.items != pair.served.items or chosen.inputs != pair.served.inputs:
        yield "Somebody who chose this order gets another list."


def _start_again(pair: Pair, named: set[int]) -> Faults:
    """No event from before is an input; later ones are, and the plan is the same."""
    yield from same_plan(pair, but=set())
    since = pair.served.asker.since_ms
    for decided in (pair.served, pair.other):
        yield from past_is_what_was_done(decided)
    if early := [moment for moment in moments(pair.served.inputs) if since is None or moment < since]:
        yield f"{len(early)} events from before are inputs."
    if len(moments(pair.other.inputs)) == len(moments(pair.served.inputs)):
        yield "Nothing was done before, so nothing was shown."
    yield from same_user(pair)
    yield from same_items(pair)


_JUDGES: Final[dict[str, Callable[[Pair, set[int]], Faults]]] = {
    "topic": _mute,
    "creator": _mute,
    "keyword": _mute,
    "hide": _mute,
    "objective": _adjustment,
    "signal": _signal,
    "pause": _pause,
    "feed_mode": _feed_mode,
    "start_again": _start_again,
}
