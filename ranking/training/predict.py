"""Predictions in the packed form, their calibration, and how good they are.

Legend for shape suffixes: N rows, B windows, M candidates, T tasks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from ranking.data.batches import CodedDataset, code_dataset, collate, find_windows, plan_batches
from ranking.data.encoding import Encoder
from ranking.data.schema import Bools, Dataset, Float32s, Int32s, Int64s
from ranking.evaluation.metrics import auc, ece, gauc, logloss
from ranking.model.ranker import Ranker
from ranking.training.calibration import Calibration, apply, fit, identity
from ranking.training.heads import BINARY, heads_of_model
from ranking.training.losses import Objective, mean_loss

if TYPE_CHECKING:
    from ranking.training.loop import Trained

PREDICTION_CELLS: Final = 1_000_000


@dataclass(frozen=True, kw_only=True)
class TaskMetrics:
    """How well one task is predicted on some rows; NaN = undefined.

    `positives` of `rows` observed labels are 1. `ece` is the expected calibration error, `ratio` the mean prediction
    over the mean label; the `raw_` ones are without calibration. A duration has `log_error` alone: the mean of
    |log1p(predicted seconds) - log1p(observed seconds)|.
    """

    rows: int
    positives: int
    auc: float = math.nan
    gauc: float = math.nan
    logloss: float = math.nan
    ece: float = math.nan
    ratio: float = math.nan
    raw_logloss: float = math.nan
    raw_ece: float = math.nan
    raw_ratio: float = math.nan
    log_error: float = math.nan


def predict(
    model: Ranker, encoder: Encoder, dataset: Dataset, rows: Int64s, *, calibration: Calibration | None = None
) -> Float32s:
    """Probabilities (seconds of durations) of impressions (N, T), in the order of `rows`.

    Without a calibration, logits are taken as they are. The model's mode is left as it was.
    """
    logit_NT = predict_logits(model, code_dataset(dataset, encoder), rows)
    return apply(logit_NT, calibration or identity(heads_of_model(model)))


@torch.inference_mode()
def predict_logits(model: Ranker, coded: CodedDataset, rows: Int64s) -> Float32s:
    """Logits (N, T) of impressions of a coded data set, in the order of `rows`."""
    logit_NT = np.zeros((len(coded.source.impressions.item), len(coded.source.tasks)), np.float32)
    was_training = model.training
    model.eval()
    windows = find_windows(coded.source, rows, keep=coded.encoder.max_history)
    for batch in plan_batches(windows, cells=PREDICTION_CELLS):
        tokens = collate(coded, batch)
        real_BM = tokens.row_BM >= 0
        logit_NT[tokens.row_BM[real_BM]] = model(tokens.tokens).cpu().numpy()[real_BM]
    model.train(was_training)
    return logit_NT[rows]


def observed_loss(
    logit_NT: Float32s, label_NT: Float32s, observed_NT: Bools, objective: Objective | None = None
) -> float:
    """The training loss (`losses.mean_loss`) of given logits, in float64 and without its pairwise part."""
    if objective is not None:
        objective = replace(objective, pairwise=0.0)
    logit, label = (torch.from_numpy(array.astype(np.float64))[:, None] for array in (logit_NT, label_NT))
    return float(mean_loss(logit, label, torch.from_numpy(observed_NT)[:, None], objective))


def calibrate(trained: Trained, dataset: Dataset) -> Calibration:
    """Fit a run's calibration on the validation rows, never on the test rows."""
    rows, impressions = dataset.split.validation, dataset.impressions
    return fit(
        predict_logits(trained.model, code_dataset(dataset, trained.encoder), rows),
        impressions.label_NT[rows],
        impressions.observed_NT[rows],
        impressions.user[rows],
        heads_of_model(trained.model),
    )


def evaluate(
    model: Ranker, encoder: Encoder, dataset: Dataset, rows: Int64s, *, calibration: Calibration | None = None
) -> dict[str, TaskMetrics]:
    """Metrics of every task on given rows, over observed labels; gAUC groups by person."""
    plain = identity(heads_of_model(model))
    logit_NT = predict_logits(model, code_dataset(dataset, encoder), rows)
    return measure(dataset, rows, apply(logit_NT, calibration or plain), apply(logit_NT, plain))


def measure(dataset: Dataset, rows: Int64s, served_NT: Float32s, raw_NT: Float32s) -> dict[str, TaskMetrics]:
    """Metrics of every task for predictions of given rows, with and without calibration."""
    impressions = dataset.impressions
    found = {}
    for column, task in enumerate(dataset.tasks):
        seen = impressions.observed_NT[rows, column]
        label = impressions.label_NT[rows, column][seen]
        user = impressions.user[rows][seen]
        if dataset.kind(task) == BINARY:
            found[task] = _binary_metrics(label, served_NT[seen, column], raw_NT[seen, column], user)
        else:
            found[task] = _duration_metrics(label, served_NT[seen, column])
    return found


def as_one_request(dataset: Dataset, rows: Int64s) -> Dataset:
    """The data set with all of a person's `rows` shown at one time, that of their first: for gAUC as a slate has it.

    Shown one after another, a row's history holds the labels of the person's earlier rows, and a score that follows
    them is compared within the person with scores that knew less: of few rows, one positive leaves fewer among the
    rest, so that AUC within people then punishes whoever reads the newest events. A slate is scored from one history.
    """
    impressions = dataset.impressions
    first = np.full(len(dataset.users.ids), np.iinfo(np.int64).max)
    np.minimum.at(first, impressions.user[rows], impressions.time_ms[rows])
    time_ms = impressions.time_ms.copy()
    time_ms[rows] = first[impressions.user[rows]]
    return replace(dataset, impressions=replace(impressions, time_ms=time_ms))


def _binary_metrics(label: Float32s, served: Float32s, raw: Float32s, user: Int32s) -> TaskMetrics:
    positives = int(label.sum())
    if not len(label):
        return TaskMetrics(rows=0, positives=0)
    return TaskMetrics(
        rows=len(label),
        positives=positives,
        auc=auc(label, served) if 0 < positives < len(label) else math.nan,
        gauc=gauc(label, served, user) if _any_mixed(label, user) else math.nan,
        logloss=logloss(label, served),
        ece=ece(label, served),
        ratio=_ratio(served, positives),
        raw_logloss=logloss(label, raw),
        raw_ece=ece(label, raw),
        raw_ratio=_ratio(raw, positives),
    )


def _duration_metrics(label: Float32s, served: Float32s) -> TaskMetrics:
    error = float(np.abs(np.log1p(served) - np.log1p(label)).mean()) if len(label) else math.nan
    return TaskMetrics(rows=len(label), positives=0, log_error=error)


def _ratio(predicted: Float32s, positives: int) -> float:
    return float(predicted.sum(dtype=np.float64)) / positives if positives else math.nan


def _any_mixed(label: Float32s, user: Int32s) -> bool:
    """Whether any person has both a positive and a negative."""
    return bool(np.intersect1d(user[label == 1], user[label == 0]).size)
