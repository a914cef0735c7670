"""Test-then-train: go through the impressions in time order, predict each chunk, then learn from it, once.

This is the next-batch evaluation of the papers (OneTrans, arXiv 2510.26104, section 4.1): every row is a test row of a
model that has seen nothing but what came before, and the last chunks tell how the model does once it is warm.

Legend for shape suffixes: N rows, T tasks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np

from ranking.data.batches import CodedDataset, Window, code_dataset, find_windows, plan_batches
from ranking.data.encoding import Encoder
from ranking.data.fitting import fit_encoder
from ranking.data.schema import Dataset, EventLog, Float32s, Int64s, Split
from ranking.model.ranker import Ranker
from ranking.training.calibration import apply, identity
from ranking.training.config import TrainingConfig
from ranking.training.predict import TaskMetrics, measure, predict_logits
from ranking.training.stepper import Stepper, fixed_randomness, into_steps, plan_rng

DAY_MS: Final = 86_400_000


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """The rows of one span of time, their probabilities before they were learned from, and metrics by task."""

    start_ms: int
    rows: Int64s
    probability_NT: Float32s
    metrics: dict[str, TaskMetrics]


@dataclass(frozen=True, kw_only=True)
class Stream:
    """What going through a data set gave: each chunk, all of them together, and the model after the last."""

    chunks: tuple[Chunk, ...]
    metrics: dict[str, TaskMetrics]
    model: Ranker
    encoder: Encoder


def evaluate_then_train(
    dataset: Dataset,
    config: TrainingConfig,
    *,
    seed: int,
    boundaries_ms: Sequence[int],
    progress: Callable[[Chunk], None] | None = None,
) -> Stream:
    """Predict, then learn from, the impressions between each boundary and the next (and after the last one).

    What lies before the first boundary is only learned from; vocabularies and scales are fitted on it and stay, so
    that an item first shown later is read through its features, as in serving. Each row is learned from once: the
    learning rate does not fall, and `epochs`, `patience` and `schedule` of the config mean nothing here. A history
    holds what lies strictly before its impression, as ever. Raises ValueError where boundaries do not rise, or
    nothing lies before the first or after the last.
    """
    before, *spans = _split(dataset, boundaries_ms)
    encoder = fit_encoder(_known_at(dataset, before, boundaries_ms[0]), config.encoding)
    coded = code_dataset(dataset, encoder)
    config = replace(config, schedule="constant")
    chunks: list[Chunk] = []
    with fixed_randomness(seed, config):
        planned = math.ceil(len(_batches(coded, config, before)) / config.accumulate)
        stepper = Stepper(coded, config, seed=seed, planned=planned)
        _learn(stepper, before, chunk=0)
        for start_ms, rows in zip(boundaries_ms, spans, strict=True):
            if not len(rows):
                continue
            logit_NT = predict_logits(stepper.served, coded, rows)
            probability_NT = apply(logit_NT, identity(stepper.objective.heads))
            metrics = measure(dataset, rows, probability_NT, probability_NT)
            chunks.append(Chunk(start_ms=start_ms, rows=rows, probability_NT=probability_NT, metrics=metrics))
            if progress is not None:
                progress(chunks[-1])
            _learn(stepper, rows, chunk=len(chunks))
    rows = np.concatenate([chunk.rows for chunk in chunks])
    probability_NT = np.concatenate([chunk.probability_NT for chunk in chunks])
    return Stream(
        chunks=tuple(chunks),
        metrics=measure(dataset, rows, probability_NT, probability_NT),
        model=stepper.served.cpu(),
        encoder=encoder,
    )


def daily(dataset: Dataset) -> tuple[int, ...]:
    """Boundaries at every midnight (UTC) within the impressions' time, the first of them after one day or less."""
    time_ms = dataset.impressions.time_ms
    first, last = int(time_ms.min()) // DAY_MS + 1, int(time_ms.max()) // DAY_MS
    return tuple(day * DAY_MS for day in range(first, last + 1))


def equal_chunks(dataset: Dataset, chunks: int) -> tuple[int, ...]:
    """Boundaries that cut the impressions into about `chunks` + 1 parts of like size; equal times stay together."""
    share = np.arange(1, chunks + 1) / (chunks + 1)
    time_ms = np.quantile(dataset.impressions.time_ms, share, method="higher")
    return tuple(int(time) for time in np.unique(time_ms))


def _split(dataset: Dataset, boundaries_ms: Sequence[int]) -> list[Int64s]:
    """Rows by time, cut at the boundaries: one part more than there are boundaries."""
    if not boundaries_ms or any(later <= earlier for earlier, later in pairwise(boundaries_ms)):
        raise ValueError("Test-then-train needs one or more boundaries in rising order: give times in milliseconds.")
    order = np.argsort(dataset.impressions.time_ms, kind="stable")
    parts = np.split(order, np.searchsorted(dataset.impressions.time_ms[order], boundaries_ms, side="left"))
    if not len(parts[0]) or not any(len(part) for part in parts[1:]):
        raise ValueError("All impressions lie on one side of the first boundary: put it within the data's time.")
    return parts


def _known_at(dataset: Dataset, rows: Int64s, time_ms: int) -> Dataset:
    """The data set as it was at a time: earlier events only, and `rows` to fit an encoder on."""
    events, none = dataset.events, rows[:0]
    kept = events.time_ms < time_ms
    columns = {name: value[kept] for name, value in vars(events).items() if name not in ("content", "offsets")}
    content = {name: values[kept] for name, values in events.content.items()}
    offsets = np.concatenate([[0], np.cumsum(kept)])[events.offsets]
    earlier = EventLog(**columns, content=content, offsets=offsets)
    return replace(dataset, events=earlier, split=Split(train=rows, validation=none, test=none))


def _batches(
    coded: CodedDataset, config: TrainingConfig, rows: Int64s, rng: np.random.Generator | None = None
) -> list[list[Window]]:
    windows = find_windows(coded.source, rows, keep=coded.encoder.max_history)
    return plan_batches(windows, cells=config.batch_cells, rng=rng)


def _learn(stepper: Stepper, rows: Int64s, *, chunk: int) -> None:
    batches = _batches(stepper.coded, stepper.config, rows, plan_rng(stepper.seed, chunk))
    for step in into_steps(batches, stepper.config.accumulate):
        stepper.step(step)
