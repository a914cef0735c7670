"""What is the same in two lists, part by part: each check yields a sentence for each thing that is not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Final

import numpy as np

from compliance.serving.proving.again import Decided, Pair, from_now_on
from ranking.catalogue.clock import from_ms, to_ms
from ranking.catalogue.models import Event, Item
from ranking.data.tokens import window_start
from ranking.serving.adjusting import POLITICS, SHORT_SECONDS
from ranking.serving.signals import allowed_actions
from ranking.serving.types import Candidate, RankInputs

Faults = Iterator[str]
PROFILING: Final = ("observed.", "inferred.", "declared.profile")
"""What of a person no list that is not profiled reads (DSA Art. 38)."""
OF_AN_ITEM: Final = ("item_id", "external_id", "topics", "suitable_from", "published_ms", "creator_id", "seconds")
"""What an item is, whoever asks. How it was found may differ: another source may bring it first."""
STEADY: Final = ("newest", "popular")
"""Orders by a key of the item: what is left of a list without a mute begins the list with it."""


def named_by(pair: Pair) -> set[int]:
    """The candidates of either list that the control is about, looked up again by what it says."""
    candidates = {
        one.item_id: one
        for decided in (pair.other, pair.served)
        for one in (*decided.inputs.candidates, *decided.inputs.explore)
    }
    target = pair.taken.target
    if pair.taken.kind == "keyword":
        word = re.compile(rf"(?<!\w){re.escape(target)}(?!\w)", re.IGNORECASE)
        titles = Item.objects.filter(id__in=candidates).values_list("id", "title")
        return {item_id for item_id, title in titles if word.search(title)}
    meant: dict[str, Callable[[Candidate], bool]] = {
        "topic": lambda one: target in one.topics,
        "creator": lambda one: str(one.creator_id) == target,
        "hide": lambda one: str(one.item_id) == target,
        "objective": lambda one: _wanted(target, one),
    }
    if pair.taken.kind not in meant:
        return set()
    return {item_id for item_id, one in candidates.items() if meant[pair.taken.kind](one)}


def _wanted(objective: str, one: Candidate) -> bool:
    return {
        "less_politics": not any(topic.lower() in POLITICS for topic in one.topics),
        "close_friends": one.close,
        "shorter": 0 < one.seconds <= SHORT_SECONDS,
        "new_creators": one.new_creator,
    }[objective]


def same_plan(pair: Pair, *, but: set[str]) -> Faults:
    """The plans are the same in every field but those, and for the same reasons."""
    one, other = pair.served.plan, pair.other.plan
    for field in fields(one):
        if field.name not in but | {"reasons"} and getattr(one, field.name) != getattr(other, field.name):
            yield f"The plan's {field.name} differs."
    kept = [[reason for reason in plan.reasons if reason.field.partition(".")[0] not in but] for plan in (one, other)]
    if kept[0] != kept[1]:
        yield "The reasons of other fields differ."


def same_reads(pair: Pair, *, gone: set[str], new: set[str] | None = None) -> Faults:
    """Exactly `gone` is read no more, and nothing but `new` is read beside."""
    served, other = set(pair.served.inputs.reads), set(pair.other.inputs.reads)
    if other - served != gone:
        yield f"{sorted(other - served)} are read no more, instead of {sorted(gone)}."
    if served - other - (new or set()):
        yield f"{sorted(served - other)} are read beside."


def by_id(inputs: RankInputs) -> dict[int, Candidate]:
    """Candidates by their item."""
    return {one.item_id: one for one in inputs.candidates}


def same_items(pair: Pair) -> Faults:
    """Candidates of both lists are the same items to both."""
    before, after = by_id(pair.other.inputs), by_id(pair.served.inputs)
    for item_id in sorted(set(before) & set(after)):
        for name in OF_AN_ITEM:
            if getattr(before[item_id], name) != getattr(after[item_id], name):
                yield f"Item {item_id} has another {name}."


def same_past(pair: Pair) -> Faults:
    """What was read of the person and their past is the same, to the bit."""
    one, other = pair.served.inputs.tokens, pair.other.inputs.tokens
    if (one is None) != (other is None):
        yield "Only one of the lists was scored."
    if one is None or other is None:
        return
    for name in ("event_action_BS", "event_time_ms_BS", "event_content_BSD", "event_mask_BS", "context_time_ms_BG"):
        if getattr(one, name).tobytes() != getattr(other, name).tobytes():
            yield f"The past that was read differs ({name})."
    for field in fields(one.event_item):
        if getattr(one.event_item, field.name).tobytes() != getattr(other.event_item, field.name).tobytes():
            yield f"The items of the past differ ({field.name})."
    yield from same_user(pair)


def same_user(pair: Pair) -> Faults:
    """What was declared of the person is the same."""
    one, other = pair.served.inputs.tokens, pair.other.inputs.tokens
    if one is None or other is None:
        return
    for name in ("user_categorical_BC", "user_dense_BD"):
        if getattr(one, name).tobytes() != getattr(other, name).tobytes():
            yield f"What is known of the person differs ({name})."


def same_scores(pair: Pair) -> Faults:
    """Candidates of both lists have the same probabilities and the same blended score, to the bit."""
    rows = [_rows(decided) for decided in (pair.served, pair.other)]
    common = sorted(set(rows[0]) & set(rows[1]))
    if not common:
        yield "The lists have no candidate in common, so nothing was compared."
    for item_id in common:
        if rows[0][item_id] != rows[1][item_id]:
            yield f"Item {item_id} has another score."


def _rows(decided: Decided) -> dict[int, bytes]:
    ranked = decided.decision.ranked
    if ranked.probability_MT is None or ranked.blended_M is None:
        return {}
    return {
        one.item_id: ranked.probability_MT[at].tobytes() + np.float32(ranked.blended_M[at]).tobytes()
        for at, one in enumerate(decided.inputs.candidates)
    }


def same_order(pair: Pair, named: set[int]) -> Faults:
    """What both lists rank stands in the same order; by a steady key, with nothing new in between."""
    served, other = ([decided.inputs.candidates[at].item_id for at in decided.decision.ranked.order]
                     for decided in (pair.served, pair.other))  # fmt: skip
    left = [item_id for item_id in other if item_id not in named]
    both = set(served)
    if [item_id for item_id in served if item_id in set(left)] != [item_id for item_id in left if item_id in both]:
        yield "What both lists rank stands in another order."
    if pair.served.plan.order in STEADY and served[: len(left)] != left:
        yield "Something stands among what was left."


def moments(inputs: RankInputs) -> list[int]:
    """When the events happened that were read, in milliseconds, oldest first."""
    tokens = inputs.tokens
    return [] if tokens is None else [int(one) for one in tokens.event_time_ms_BS[0][tokens.event_mask_BS[0]]]


def past_is_what_was_done(decided: Decided) -> Faults:
    """The past that was read is all that the person did since they began, by the actions that the plan allows."""
    tokens, since = decided.inputs.tokens, decided.asker.since_ms
    if tokens is None:
        yield "Nothing was scored, so no past was read."
        return
    allowed = [int(action) for action in allowed_actions(frozenset(decided.plan.features))]
    done = Event.objects.filter(
        subject_id=decided.asker.subject_id, action__in=allowed, occurred_at__lt=from_ms(decided.situation.now_ms)
    )
    if since is not None:
        done = done.filter(occurred_at__gte=from_ms(since))
    times = [to_ms(at) for at in done.order_by("occurred_at", "id").values_list("occurred_at", flat=True)]
    if moments(decided.inputs) != times[window_start(events=len(times), keep=tokens.event_mask_BS.shape[1]) :]:
        yield f"{len(moments(decided.inputs))} events are inputs, and they are not the {len(times)} that may be."


def not_profiled(pair: Pair) -> Faults:
    """Nothing observed or inferred is read, nothing is scored, and without any past the list is the same."""
    inputs = pair.served.inputs
    if told := [read for read in inputs.reads if read.startswith(PROFILING)]:
        yield f"{', '.join(told)} was read."
    if inputs.tokens is not None:
        yield "The list was scored."
        return
    bare = pair.again(pair.served.facts, from_now_on(pair.served))
    if bare.inputs != inputs or bare.items != pair.served.items:
        yield "Without the person's past the list is another."
