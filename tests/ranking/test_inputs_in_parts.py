"""Ranking inputs are taken apart and put together again without losing a bit."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranking.data.schema import Action
from ranking.data.tokens import ItemBlock, TokenBatch
from ranking.serving.parts import ItemLook, NotInParts, Parts, put_together, take_apart
from ranking.serving.types import Candidate, RankInputs

MODEL = "ab" * 32
LENGTH = 192


def items(draw: np.random.Generator, *shape: int, wide: bool) -> ItemBlock:
    categorical, multi, dense = (2, 3, 1) if wide else (0, 1, 0)
    values_D = draw.normal(size=(*shape, dense)).astype(np.float32)
    values_D[draw.random(values_D.shape) < 0.2] = np.nan
    return ItemBlock(
        id=draw.integers(0, 2**31 - 1, shape, dtype=np.int32),
        categorical=draw.integers(0, 99, (*shape, categorical), dtype=np.int32),
        multi=draw.integers(0, 99, (*shape, multi, 2), dtype=np.int32),
        dense=values_D,
    )


def made(seed: int, *, events: int, candidates: int, explore: int) -> RankInputs:
    draw = np.random.default_rng(seed)
    listed = [
        Candidate(
            item_id=number,
            external_id=f"film {number}",
            source=("similar", "newest")[int(draw.integers(2))],
            topics=tuple("abc"[: int(draw.integers(4))]),
            suitable_from="",
            published_ms=int(draw.integers(-(2**40), 2**41)),
            popularity=int(draw.integers(2**40)),
        )
        for number in range(candidates + explore)
    ]
    past = items(draw, 1, LENGTH, wide=seed % 2 == 1)
    block = ItemBlock(**{one.name: getattr(past, one.name).copy() for one in dataclasses.fields(past)})
    for one in dataclasses.fields(block):
        getattr(block, one.name)[0, events:] = 0
    action_BS = draw.integers(0, 17, (1, LENGTH), dtype=np.int32)
    action_BS[0, events:] = int(Action.SEEN)
    time_ms_BS = np.where(np.arange(LENGTH) < events, draw.integers(2**41, size=LENGTH), 0)[None].astype(np.int64)
    tokens = TokenBatch(
        user_categorical_BC=draw.integers(0, 9, (1, 2), dtype=np.int32),
        user_dense_BD=np.array([[np.nan, -0.0]], np.float32),
        event_item=block,
        event_action_BS=action_BS,
        event_stream_BS=np.zeros((1, LENGTH), np.int32),
        event_time_ms_BS=time_ms_BS,
        event_content_BSD=np.zeros((1, LENGTH, 0), np.float32),
        event_mask_BS=(np.arange(LENGTH) < events)[None],
        context_categorical_BGC=np.zeros((1, 1, 0), np.int32),
        context_time_ms_BG=np.array([[2**41]], np.int64),
        candidate_item=items(draw, 1, candidates, wide=seed % 2 == 1),
        candidate_context_BM=np.zeros((1, candidates), np.int32),
        candidate_mask_BM=np.ones((1, candidates), np.bool_),
    )
    return RankInputs(
        candidates=tuple(listed[:candidates]),
        explore=tuple(listed[candidates:]),
        tokens=tokens,
        model_sha256=MODEL,
        reads=("catalogue.items",),
        shortfall="",
    )


def bits(value: Any) -> Any:
    """A value in which equal means: the same bits, types and shapes."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if dataclasses.is_dataclass(value):
        return {one.name: bits(getattr(value, one.name)) for one in dataclasses.fields(value)}
    return [bits(one) for one in value] if isinstance(value, tuple) else value


@given(
    seed=st.integers(0, 2**32),
    events=st.integers(0, LENGTH),
    candidates=st.integers(0, 9),
    explore=st.integers(0, 3),
)
def test_inputs_come_back_to_the_bit(seed: int, events: int, candidates: int, explore: int) -> None:
    inputs = made(seed, events=events, candidates=candidates, explore=explore)
    parts = take_apart(inputs)
    stored = dataclasses.replace(parts, items=tuple(ItemLook.of(item.document()) for item in parts.items))
    assert bits(put_together(stored, model_sha256=MODEL)) == bits(inputs)


def test_a_past_that_grows_keeps_its_full_blocks() -> None:
    shorter, longer = (take_apart(made(3, events=events, candidates=4, explore=0)) for events in (130, 131))
    assert (len(shorter.past), len(longer.past)) == (3, 3)
    assert shorter.past[:2] == longer.past[:2]
    assert shorter.past[2] != longer.past[2]


def test_lists_that_are_not_scored_have_no_past() -> None:
    inputs = dataclasses.replace(made(5, events=3, candidates=4, explore=1), tokens=None)
    parts = take_apart(inputs)
    assert parts.past == ()
    assert bits(put_together(parts, model_sha256=MODEL)) == bits(inputs)


@pytest.mark.parametrize("field", ["event_action_BS", "event_time_ms_BS", "candidate_context_BM", "candidate_mask_BM"])
def test_what_no_part_holds_is_refused(field: str) -> None:
    inputs = made(7, events=100, candidates=4, explore=0)
    assert inputs.tokens is not None
    changed = getattr(inputs.tokens, field).copy()
    changed[0, -1] = 0 if field == "candidate_mask_BM" else 7
    with pytest.raises(NotInParts):
        take_apart(dataclasses.replace(inputs, tokens=dataclasses.replace(inputs.tokens, **{field: changed})))


def test_parts_are_refused_without_their_items() -> None:
    parts = take_apart(made(9, events=3, candidates=4, explore=0))
    with pytest.raises(ValueError, match=r"shorter|longer"):
        put_together(Parts(**{**parts.__dict__, "items": parts.items[:2]}), model_sha256=MODEL)
