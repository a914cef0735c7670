"""Depth that adapts and histories that are compressed, on the made world: `python bench/depth.py --check`.

Depth: one ranker with an exit after each layer is scored on >= 10^6 test rows. Policies are fitted to budgets on its
validation requests, and cost what `model.depth.request_flops` says. Compression: rankers that differ in nothing but
how the past is kept, trained alike; the sequence side's FLOPs are counted on the call that encodes a person. All AUC
are expectations under the world's own probabilities: no luck of labels is in them. Expected: about
8 CPU minutes for depth and 13 for each compression (`--kinds` names some).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from numpy.typing import NDArray

from bench import made_runs
from bench.made_runs import RECIPE, Plan, Run, World
from bench.scaling import expected_auc
from bench.timing import table, verdict
from ranking.data.schema import Int64s
from ranking.evaluation import cost
from ranking.evaluation.metrics import ece
from ranking.model import serving
from ranking.model.config import linear_pyramid
from ranking.model.depth import ByLength, DepthPolicy
from ranking.model.user_state import slots
from ranking.training import depth as fitting

TEST_ROWS: Final = 1_020_000
LEAST_ROWS: Final = 1_000_000
LEAST_SAVED: Final = 0.3
LEAST_RATIO: Final = 2.4
MOST_LOST: Final = 0.0005
WOBBLE: Final = 0.00002
"""AUC by which a larger budget may be worse before the curve counts as not monotone."""
BUDGETS: Final = (0.28, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)

EXITS: Final = Plan(
    world=World(
        train=160_000,
        validation=20_000,
        test=TEST_ROWS,
        rows_a_person=8,
        test_rows_a_person=40,
        lengths=((0.2, 0, 0), (0.3, 1, 8), (0.3, 9, 40), (0.15, 41, 120), (0.05, 121, 256)),
        items=48,
        categories=4,
    ),
    config=replace(RECIPE, ranker=replace(RECIPE.ranker, layers=4, exits=True)),
)

WINDOW: Final = 512
LAYERS: Final = 6
LONG: Final = Plan(
    world=World(
        train=60_000,
        validation=5_000,
        test=TEST_ROWS,
        rows_a_person=24,
        test_rows_a_person=500,
        lengths=((0.3, 128, 320), (0.4, 321, 512), (0.3, 513, 700)),
        items=48,
        categories=4,
    ),
    config=replace(
        EXITS.config,
        encoding=replace(EXITS.config.encoding, max_history=WINDOW),
        ranker=replace(EXITS.config.ranker, layers=LAYERS, exits=False, context_tokens=1, candidate_tokens=1),
        epochs=3,
    ),
)
COMPRESSIONS: Final[dict[str, dict[str, Any]]] = {
    "none": {},
    "pyramid": {"keep": linear_pyramid(events=WINDOW, top=64, layers=LAYERS)},
    "pool": {"compression": "pool", "centres": 16},
    "cluster": {"compression": "cluster", "centres": 16},
}


def compressed(name: str, test_rows: int) -> Plan:
    """The plan of one compression; only the compression differs."""
    ranker = replace(LONG.config.ranker, **COMPRESSIONS[name])
    return replace(LONG, world=replace(LONG.world, test=test_rows), config=replace(LONG.config, ranker=ranker))


def requests_of(run: Run, rows: slice, *, every_exit: bool) -> fitting.Requests:
    """Requests of the validation or the test rows of a run, brought in order of person and time."""
    known = run.rows
    order = np.lexsort((known.time_ms[rows], known.user[rows]))
    user, time_ms = known.user[rows][order], known.time_ms[rows][order]
    return fitting.requests_of(
        run.model,
        run.logit_XN[:, rows][:, order, None],
        request_N=np.cumsum(np.append(0, (np.diff(user) != 0) | (np.diff(time_ms) != 0))),
        events_N=fitting.events_kept(known.seen[rows][order], keep=run.encoder.max_history),
        every_exit=every_exit,
    )


def depth_curves(run: Run) -> list[str]:
    """Print FLOPs saved and AUC lost of all policies; return the missed targets."""
    cut, curves = run.rows.test, {}
    validation, test = slice(0, cut), slice(cut, None)
    rows = []
    for kind in ("fixed", "length", "doubt"):
        fit, on = (requests_of(run, part, every_exit=kind == "doubt") for part in (validation, test))
        fit_truth_N, truth_N = _truth(run, validation), _truth(run, test)
        points = []
        for budget, policy in policies(kind, fit):
            _, known_lost, _ = _outcome(policy, fit, fit_truth_N)
            saved, lost, depth_Q = _outcome(policy, on, truth_N)
            points.append(Point(budget=budget, saved=saved, lost=lost, known_lost=known_lost))
            rows.append([kind, *points[-1].cells(), _depths(depth_Q), _newcomers(depth_Q, on.events_Q)])
        curves[kind] = points
    table(
        f"Depth: {run.rows.truth[test].size:,} test rows, AUC at full depth {run.auc():.5f}, the world's limit "
        f"{run.bayes_auc:.4f}",
        (
            "policy",
            "budget",
            "mean FLOPs saved",
            "AUC lost",
            "lost on validation",
            "requests by depth",
            "mean depth, no events / 64+",
        ),
        rows,
    )
    _show_calibration(run, validation, test)
    return [fault for kind in ("length", "doubt") for fault in _missed(kind, curves[kind])]


@dataclass(frozen=True, kw_only=True)
class Point:
    """One policy on the test rows, and what it lost on the validation rows, from which it may be chosen."""

    budget: str
    saved: float
    lost: float
    known_lost: float

    def cells(self) -> list[str]:
        """As the table has it."""
        return [self.budget, f"{self.saved:.1%}", f"{self.lost:+.5f}", f"{self.known_lost:+.5f}"]


def _missed(kind: str, points: Sequence[Point]) -> list[str]:
    """The policy is chosen on validation rows: the cheapest that loses little enough there. What does it do on test?"""
    missed = []
    fitting_ones = [point for point in points if point.known_lost <= MOST_LOST]
    if not fitting_ones:
        return [f"depth by {kind}: every budget loses more than {MOST_LOST} AUC on validation"]
    chosen = max(fitting_ones, key=lambda point: point.saved)
    print(f"Chosen on validation: depth by {kind}, budget {chosen.budget}: {chosen.saved:.1%}, {chosen.lost:+.5f} AUC.")
    if chosen.saved < LEAST_SAVED or chosen.lost > MOST_LOST:
        missed.append(f"depth by {kind} saves {chosen.saved:.1%} of FLOPs and loses {chosen.lost:.5f} AUC")
    lost = [point.lost for point in sorted(points, key=lambda point: point.saved, reverse=True)]
    if any(after > before + WOBBLE for before, after in pairwise(lost)):
        missed.append(f"depth by {kind}: a larger budget is worse somewhere on the curve")
    return missed


def _outcome(policy: DepthPolicy, on: fitting.Requests, truth_N: NDArray[np.float64]) -> tuple[float, float, Int64s]:
    """Share of FLOPs saved, AUC lost, and the depths."""
    depth_Q = fitting.depths(policy, on)
    whole, auc = (
        expected_auc(truth_N, logit_N.astype(np.float64))
        for logit_N in (on.logit_XNT[-1, :, 0], fitting.at_depths(on, depth_Q)[:, 0])
    )
    return 1 - on.share(depth_Q), whole - auc, depth_Q


def _truth(run: Run, rows: slice) -> NDArray[np.float64]:
    """P(click) of some rows, in order of person and time."""
    truth: NDArray[np.float64] = run.rows.truth[rows][np.lexsort((run.rows.time_ms[rows], run.rows.user[rows]))]
    return truth


def policies(kind: str, fit: fitting.Requests) -> list[tuple[str, DepthPolicy]]:
    """Policies of a kind by their budget, cheapest first; budgets below one layer's cost are left out."""
    if kind == "fixed":
        exits = range(1, len(fit.logit_XNT) + 1)
        return [(f"depth {depth}", ByLength(depths=(depth,))) for depth in exits]
    least = fit.share(np.ones(len(fit.start_Q), np.int64))
    budgets = [budget for budget in BUDGETS if budget >= least]
    if kind == "length":
        return [(f"{budget:.2f}", fitting.fit_by_length(fit, budget=budget)) for budget in budgets]
    fitted = fitting.fit_by_doubt(fit)
    return [(f"{budget:.2f}", fitting.within(fitted, fit, budget=budget)) for budget in budgets]


def _show_calibration(run: Run, validation: slice, test: slice) -> None:
    fit, on = (requests_of(run, part, every_exit=True) for part in (validation, test))
    limit = fitting.limit_of(fit)
    doubt_QX, happened_QX = fitting.doubts(fitting.fit_by_doubt(fit), on), fitting.matters(on, limit)
    rows = []
    for exit_, (doubt_Q, happened_Q) in enumerate(zip(doubt_QX.T, happened_QX.T, strict=True), start=1):
        error = ece(happened_Q.astype(np.float32), doubt_Q)
        rows.append([str(exit_), f"{happened_Q.mean():.3f}", f"{doubt_Q.mean():.3f}", f"{error:.4f}"])
    table("Does going on matter? Test requests", ("after layer", "it did", "doubt, mean", "calibration error"), rows)


def _depths(depth_Q: Int64s) -> str:
    return " / ".join(f"{share:.0%}" for share in np.bincount(depth_Q)[1:] / len(depth_Q))


def _newcomers(depth_Q: Int64s, events_Q: Int64s) -> str:
    few, many = depth_Q[events_Q == 0], depth_Q[events_Q >= 64]
    return " / ".join(f"{part.mean():.2f}" if len(part) else "-" for part in (few, many))


def compressions(test_rows: int, names: Sequence[str]) -> list[str]:
    """Train what is missing, print costs and AUC of the named compressions and of none; return the missed targets."""
    runs = {name: made_runs.run(compressed(name, test_rows)) for name in dict.fromkeys(["none", *names])}
    rows, missed = [], []
    spent = {name: encode_flops(run) for name, run in runs.items()}
    for name, run in runs.items():
        ratio, mean_ratio = (spent["none"][at] / spent[name][at] for at in (0, 1))
        lost = runs["none"].auc() - run.auc()
        costs = [f"{spent[name][0] / 1e6:.1f}", f"{ratio:.2f}x", f"{mean_ratio:.2f}x"]
        read = sum(slots(run.model, run.encoder.max_history))
        rows.append([name, *costs, str(read), f"{run.auc():.5f}", f"{lost:+.5f}", f"{run.record['train_s']:.0f}"])
        if name == "pyramid" and ratio < LEAST_RATIO:
            missed.append(f"{name}: saves {ratio:.2f}x of the sequence side's FLOPs, not {LEAST_RATIO}x")
        if name == "pyramid" and lost > MOST_LOST:
            missed.append(f"{name}: loses {lost:.5f} AUC, more than {MOST_LOST}")
    if "pyramid" not in runs:
        missed.append("the pyramid was not measured: name it in --kinds")
    table(
        f"Compression: {test_rows:,} test rows, window {LONG.config.encoding.max_history}, the world's limit "
        f"{runs['none'].bayes_auc:.4f}",
        (
            "compression",
            "MFLOP, full window",
            "saved",
            "saved, mean person",
            "slots read",
            "AUC",
            "AUC lost",
            "train CPU s",
        ),
        rows,
    )
    return missed


def encode_flops(run: Run) -> tuple[int, float]:
    """FLOPs of encoding one person: with a full window, and the mean over the persons of the test rows."""
    keep = run.encoder.max_history
    seen_N = fitting.events_kept(run.rows.seen[run.rows.test :], keep=keep)
    blocks_N = -(-seen_N // 64)
    by_blocks = {int(blocks): _encode(run, int(blocks) * 64) for blocks in np.unique(blocks_N)}
    mean: NDArray[np.float64] = np.array([by_blocks[int(blocks)] for blocks in blocks_N])
    return by_blocks.get(keep // 64) or _encode(run, keep), float(mean.mean())


def _encode(run: Run, events: int) -> int:
    """FLOPs of encoding so many made-up events."""
    batch = made_runs.past_of(run.encoder, events)
    return cost.count_flops(lambda: serving.encode_user(run.model, batch))


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what is missing and print; the exit code."""
    parser: Any = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=TEST_ROWS, help="test rows of each world")
    parser.add_argument("--only", choices=["depth", "compression"], help="one of the two parts")
    parser.add_argument("--kinds", nargs="+", choices=list(COMPRESSIONS), default=list(COMPRESSIONS), metavar="NAME")
    parser.add_argument("--check", action="store_true", help="exit 1 where a target is missed")
    options = parser.parse_args(arguments)
    missed = []
    if options.rows < LEAST_ROWS:
        missed.append(f"{options.rows:,} test rows cannot tell {MOST_LOST} AUC: take {LEAST_ROWS:,}")
    if options.only != "compression":
        plan = replace(EXITS, world=replace(EXITS.world, test=options.rows))
        missed += depth_curves(made_runs.run(plan))
    if options.only != "depth":
        missed += compressions(options.rows, options.kinds)
    return verdict(missed, check=options.check)


if __name__ == "__main__":
    sys.exit(main())
