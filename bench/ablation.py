"""Does the ranker recover what was planted, and does each of its mechanisms pay: `python bench/ablation.py --check`.

Every line is trained on the same rows of the made world with the same seed; one switch differs from the base. AUC and
log loss are expectations on the test rows under the world's own probabilities, so that no luck of labels is in them. A
mechanism pays when having it is worth more AUC than the base's seeds lie apart: one run tells no smaller difference.
Runs are kept under .local/bench/made (see `made_runs`); `--only` names lines.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from bench import made_runs
from bench.made_runs import RECIPE, Plan, Run, World
from bench.timing import table, verdict

RECOVERED: Final = 0.01
NOISE: Final = 0.001
"""AUC that counts as no difference, however near the seeds lie."""
ROWS_A_PERSON: Final = 8
"""Few: a ranker that sees forty rows of each person learns the persons, not what the history means."""
BASE, AGAIN = "base", "base, seed 1"
FULL: Final = "base, more rows"
HEAD: Final = ("line", "AUC", "to base", "log loss", "parameters", "MFLOP an impression", "CPU s", "having it pays")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the table: what differs from the base, and whether the line has the mechanism or lacks it."""

    name: str
    ranker: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    edit: str = ""
    has_it: bool | None = None  # None: no mechanism, for comparison only


LINES: Final = (
    Line(name=BASE),
    Line(name=AGAIN, seed=1),
    Line(name="pointwise attention", ranker={"attention": "pointwise"}, has_it=True),
    Line(name="target attention", ranker={"target_attention": True}, has_it=True),
    Line(name="2 crosses", ranker={"crosses": 2}, has_it=True),
    Line(name="pyramid 128, 64", ranker={"keep": (128, 64)}, has_it=True),
    Line(name="streams separate", ranker={"streams": "separate"}, has_it=True),
    Line(name="feature tokens by group", ranker={"feature_tokens": "group"}, has_it=True),
    Line(name="history in another order", edit="shuffled"),
    Line(name="1 context and 1 candidate token", ranker={"context_tokens": 1, "candidate_tokens": 1}, has_it=False),
    Line(name="tokens share parameters", ranker={"parameters": "shared"}, has_it=False),
    Line(name="exits", ranker={"exits": True}, has_it=True),
    Line(name="fusion sum", ranker={"fusion": "sum"}, has_it=True),
    Line(name="fusion gated", ranker={"fusion": "gated"}, has_it=True),
    Line(name="fusion cross-attention", ranker={"fusion": "cross_attention"}, has_it=True),
    Line(name="event drop .1", training={"event_drop": 0.1}, has_it=True),
    Line(name="one layer", ranker={"layers": 1}, has_it=False),
    Line(name="history of other items", edit="foreign"),
)


def base(rows: int, test_rows: int) -> Plan:
    """What every line starts from."""
    return Plan(
        world=World(
            train=rows,
            validation=max(2_000, rows // 20),
            test=test_rows,
            rows_a_person=ROWS_A_PERSON,
            lengths=((0.1, 0, 0), (0.4, 1, 12), (0.4, 13, 40), (0.1, 41, 128)),
            items=48,
            categories=4,
        ),
        config=replace(RECIPE, encoding=replace(RECIPE.encoding, max_history=128)),
    )


def plan_of(line: Line, start: Plan) -> Plan:
    """The plan of one line."""
    config = replace(start.config, ranker=replace(start.config.ranker, **line.ranker), **line.training)
    return replace(start, config=config, seed=line.seed, edit=line.edit)


def show(lines: Sequence[Line], runs: dict[str, Run]) -> list[str]:
    """Print the table; return the missed targets."""
    noise = max(NOISE, abs(runs[AGAIN].auc() - runs[BASE].auc()))
    rows = [_row(line, runs[line.name], runs, noise) for line in lines]
    if FULL in runs:
        rows.append(_row(Line(name=FULL), runs[FULL], runs, noise))
    table("Mechanisms on the made world, each switched alone", HEAD, rows)
    best = runs.get(FULL, runs[BASE])
    bayes = best.bayes_auc
    print(f"\nThe base's seeds lie {noise:.4f} apart; `to base` is to their mean.")
    print(f"The world's own limit: AUC {bayes:.4f}. The ranker is {bayes - best.auc():.4f} below it.")
    missed = [
        f"{line.name}: as good as the real history, so the history is not read"
        for line in lines
        if line.edit and runs[line.name].auc() > runs[BASE].auc() - noise
    ]
    if FULL not in runs:
        missed.append("planted effect: the line with more rows was not measured")
    elif bayes - best.auc() > RECOVERED:
        missed.append(f"planted effect: AUC {best.auc():.4f} is not within {RECOVERED} of the world's {bayes:.4f}")
    return missed


def _row(line: Line, run: Run, runs: dict[str, Run], noise: float) -> list[str]:
    gain = run.auc() - float(np.mean([runs[name].auc() for name in (BASE, AGAIN)]))
    verdict_ = ""
    if line.has_it is not None:
        worth = gain if line.has_it else -gain
        verdict_ = "yes" if worth > noise else "no" if worth < -noise else "no difference"
    return [
        line.name,
        f"{run.auc():.4f}",
        f"{gain:+.4f}",
        f"{run.logloss():.4f}",
        f"{sum(run.record['parameters']):,}",
        f"{run.record['flops_per_impression'] / 1e6:.3f}",
        f"{run.record['train_s']:.0f}",
        verdict_,
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what is missing and print; the exit code."""
    parser: Any = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=60_000, help="training rows of every line")
    parser.add_argument(
        "--full-rows",
        type=int,
        default=400_000,
        help="training rows of the last line, which is to recover what was planted; 0: none",
    )
    parser.add_argument("--test-rows", type=int, default=30_000)
    parser.add_argument("--only", nargs="+", metavar="WORD", help="lines whose name holds one of these, and the base")
    parser.add_argument("--check", action="store_true", help="exit 1 where a target is missed")
    options = parser.parse_args(arguments)
    chosen = [
        line
        for line in LINES
        if line.name in (BASE, AGAIN) or options.only is None or any(word in line.name for word in options.only)
    ]
    start, runs = base(options.rows, options.test_rows), {}
    for line in chosen:
        runs[line.name] = made_runs.run(plan_of(line, start))
        print(f"{line.name}: AUC {runs[line.name].auc():.4f}", file=sys.stderr, flush=True)
    if options.full_rows:
        runs[FULL] = made_runs.run(base(options.full_rows, options.test_rows))
    return verdict(show(chosen, runs), check=options.check)


if __name__ == "__main__":
    sys.exit(main())
