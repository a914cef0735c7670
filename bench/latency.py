"""What scoring a request costs, by past and candidates: without reuse, with the past encoded once, kept, and grown.

Run: python bench/latency.py [--check] [--quick]. Expected: about 3 minutes of CPU time; with --quick about 10 seconds.

'full' is one batched forward without any lever: the person repeated for every candidate, in the plain ranker. 'cold'
encodes the person and scores; 'warm' finds the person kept and unchanged; 'grown' appends one event to the kept past.
CPU milliseconds are those of the whole process, medians of runs that take turns, so that noise hits all alike.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, cast

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from bench.made_request import make_ranker, once_per_candidate, request
from bench.timing import Stopwatch, repeat, table, verdict
from ranking.data.schema import Float32s
from ranking.data.tokens import HISTORY_BLOCK, TokenBatch
from ranking.evaluation.cost import count_flops
from ranking.model.config import RankerConfig, linear_pyramid
from ranking.model.device import CPU, Device
from ranking.model.ranker import Ranker
from ranking.model.serving import encode_user, score
from ranking.model.user_state import UserState, predicted_bytes

GEOMETRY: Final = RankerConfig(
    width=64, layers=4, heads=4, ffn_factor=2, dropout=0.0, context_tokens=4, candidate_tokens=4
)
CHUNK: Final = 100
"""People in one batch of 'full'. On the machine it was tried on, 5 to 50 were slower."""
USUAL: Final = (256, 100)
COLD_AT_LEAST: Final = {256: 18.0, 1024: 35.0}
WARM_AT_LEAST: Final = {256: 22.0, 1024: 60.0}
P50_MS, P99_MS = 12.0, 25.0
SLOPE_IN_CANDIDATES, SLOPE_IN_PAST = 1.05, 1.15
TOLERANCE: Final = 1e-5
FORMULA_WITHIN: Final = 0.05

Work = Callable[[], object]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is measured, and for how long."""

    pasts: tuple[int, ...] = (64, 256, 1024)
    candidates: tuple[int, ...] = (10, 100, 500)
    rounds: int = 10
    turn: int = 4  # runs at a stretch, as in a process that serves and does nothing else
    least: int = 2  # runs of whatever is slow, one in each round
    allowance_ms: float = 800.0  # CPU of one cell, after which it runs no more
    tail_runs: int = 100


QUICK: Final = Plan(pasts=(64, 256), candidates=(10, 100), rounds=2, turn=2, least=1, allowance_ms=150.0, tail_runs=15)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One way to read a past: with so much of compression, and to such a depth."""

    name: str
    config: RankerConfig
    depth: int | None = None


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What a kind costs beside time: FLOPs, memory against the formula, and how far it is from the packed forward."""

    encode_flops: int
    score_flops: int
    nbytes: int
    predicted: int
    difference: float
    same_order: bool


def main() -> int:
    """Measure, print, and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 when a target is missed")
    parser.add_argument("--quick", action="store_true", help="small pasts and few runs, to see that it works")
    parser.add_argument("--devices", action="store_true", help="other precisions and compiled kernels besides (C++)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    plan = QUICK if options.quick else Plan()
    missed = report_grid(plan) + report_tail(plan) + report_kinds(plan)
    if options.devices:
        report_devices(plan)
    return verdict(missed, check=options.check)


def pyramid(past: int) -> RankerConfig:
    """The served geometry for a window of so many events; one too short for a pyramid is read whole in every layer."""
    if past < GEOMETRY.layers * HISTORY_BLOCK:
        return GEOMETRY
    return replace(GEOMETRY, keep=linear_pyramid(events=past, top=HISTORY_BLOCK, layers=GEOMETRY.layers))


def kinds(past: int) -> list[Kind]:
    """Compression on and off, and depth on and off, the latter with a readout after every layer."""
    exits = replace(pyramid(past), exits=True)
    return [
        Kind(name="no compression", config=GEOMETRY),
        Kind(name="pyramid", config=pyramid(past)),
        Kind(name="pool", config=replace(GEOMETRY, compression="pool")),
        Kind(name="cluster", config=replace(GEOMETRY, compression="cluster")),
        *[Kind(name=f"pyramid, depth {depth}", config=exits, depth=depth) for depth in (4, 2, 1)],
    ]


def full(model: Ranker, batches: Sequence[TokenBatch]) -> Float32s:
    """Logits (M, T) of a request whose candidates share nothing."""
    with torch.inference_mode():
        return np.concatenate([model(batch)[:, 0].numpy() for batch in batches])


def served(
    model: Ranker, batch: TokenBatch, *, previous: UserState | None = None, depth: int | None = None
) -> Float32s:
    """Logits (M, T) as serving computes them, from nothing or from a kept past."""
    return score(model, encode_user(model, batch, previous=previous), batch, depth=depth)


def works(model: Ranker, batch: TokenBatch, depth: int | None = None) -> dict[str, Work]:
    """The three served ways to answer one request whose past fills its window."""
    past = batch.event_mask_BS.shape[1]
    kept, shorter = (
        encode_user(model, request(events=events, candidates=1, window=past)) for events in (past, past - 1)
    )
    return {
        "cold": partial(served, model, batch, depth=depth),
        "warm": partial(served, model, batch, previous=kept, depth=depth),
        "grown": partial(served, model, batch, previous=shorter, depth=depth),
    }


def take_turns(work: dict[str, Work], watch: Stopwatch, plan: Plan) -> None:
    """Run all in turn, so many rounds; what has used up its allowance of CPU sits out."""
    for number in range(plan.rounds):
        for name, run in work.items():
            for again in range(plan.turn):
                due = number < plan.least and again == 0
                if due or sum(watch.cpu.get(name, ())) < plan.allowance_ms:
                    repeat(1, run, watch, name)


def slope(sizes: Sequence[int], cost: Sequence[float]) -> float:
    """Exponent b of the power law cost = a x size^b that fits best."""
    return float(np.polyfit(np.log(sizes), np.log(cost), 1)[0])


def report_grid(plan: Plan) -> list[str]:
    """Every past with every number of candidates; what is missed of the ratios, the slopes and the equality."""
    watch, plain = Stopwatch(), make_ranker(GEOMETRY)
    missed: list[str] = []
    for past in plan.pasts:
        model = make_ranker(pyramid(past))
        work: dict[str, Work] = {}
        for candidates in plan.candidates:
            batch = request(events=past, candidates=candidates)
            work[f"full {past} {candidates}"] = partial(full, plain, once_per_candidate(batch, chunk=CHUNK))
            for name, run in works(model, batch).items():
                work[f"{name} {past} {candidates}"] = run
        take_turns(work, watch, plan)
    cost = {tuple(name.split(" ")): watch.median_cpu(name) for name in watch.cpu}
    rows = []
    for past in plan.pasts:
        for candidates in plan.candidates:
            took = [cost[way, str(past), str(candidates)] for way in ("full", "cold", "warm", "grown")]
            rows.append([str(past), str(candidates), *(f"{ms:.2f}" for ms in took)])
            rows[-1] += [f"{took[0] / ms:.1f}" for ms in took[1:]]
            if candidates == USUAL[1]:
                missed += missed_ratios(past, took[0] / took[1], took[0] / took[2])
    table("One request (CPU milliseconds; how many times less than full)",
          ["L", "C", "full", "cold", "warm", "grown", "cold x", "warm x", "grown x"], rows)  # fmt: skip
    return missed + report_slopes(plan, cost)


def missed_ratios(past: int, cold: float, warm: float) -> list[str]:
    """Which of the ratios at 100 candidates are too small."""
    pairs = [("cold", cold, COLD_AT_LEAST), ("warm", warm, WARM_AT_LEAST)]
    return [
        f"{name} is {times:.1f} times cheaper than full at L={past}, not {least[past]:.0f}"
        for name, times, least in pairs
        if past in least and times < least[past]
    ]


def report_slopes(plan: Plan, cost: dict[tuple[str, ...], float]) -> list[str]:
    """How cost grows with candidates (L = 256) and with the past (C = 100)."""
    past, candidates = (str(size) for size in USUAL)
    rows, missed = [], []
    for way in ("full", "cold", "warm", "grown"):
        in_candidates = slope(plan.candidates, [cost[way, past, str(size)] for size in plan.candidates])
        in_past = slope(plan.pasts, [cost[way, str(size), candidates] for size in plan.pasts])
        rows.append([way, f"{in_candidates:.2f}", f"{in_past:.2f}"])
        if way != "full" and in_candidates > SLOPE_IN_CANDIDATES:
            missed.append(f"{way} grows with C to the power {in_candidates:.2f}, more than {SLOPE_IN_CANDIDATES}")
        if way != "full" and in_past > SLOPE_IN_PAST:
            missed.append(f"{way} grows with L to the power {in_past:.2f}, more than {SLOPE_IN_PAST}")
    table("Log-log slopes of CPU time", ["way", f"in C at L={past}", f"in L at C={candidates}"], rows)
    return missed


def report_tail(plan: Plan) -> list[str]:
    """Tails at the usual size. The wall clock includes whatever else the machine does; CPU time stands beside it."""
    past, candidates = USUAL
    watch, work = Stopwatch(), works(make_ranker(pyramid(past)), request(events=past, candidates=candidates))
    take_turns(work, Stopwatch(), replace(plan, rounds=2))  # the first runs fill caches
    take_turns(work, watch, replace(plan, rounds=plan.tail_runs, turn=1, least=plan.tail_runs))
    rows = [[*watch.row(name), f"{np.percentile(watch.cpu[name], 99):.2f}"] for name in work]
    table(f"One request at L={past}, C={candidates} (milliseconds)",
          ["way", "wall p50", "wall p99", "CPU p50", "CPU p99"], rows)  # fmt: skip
    missed = []
    for name in work:
        for part, most in ((50, P50_MS), (99, P99_MS)):
            took = float(np.percentile(watch.wall[name], part))
            if took > most:
                cpu = float(np.percentile(watch.cpu[name], part))
                missed.append(f"p{part} of {name} is {took:.1f} ms of wall time ({cpu:.1f} CPU), more than {most:.0f}")
    return missed


def report_devices(plan: Plan) -> None:
    """What compiled kernels and bfloat16 cost, and how far their logits lie from the reference's: no target here."""
    past, candidates = USUAL
    model, batch = make_ranker(pyramid(past)), request(events=past, candidates=candidates)
    state, watch, first_s = encode_user(model, batch), Stopwatch(), {}
    reference = score(model, state, batch)
    devices = [
        CPU,
        Device(mode="compiled"),
        Device(precision="bfloat16"),
        Device(precision="bfloat16", mode="compiled"),
    ]
    work: dict[str, Work] = {device.name: partial(score, model, state, batch, device=device) for device in devices}
    for name, run in work.items():
        started = time.perf_counter()
        run()  # compiles
        first_s[name] = time.perf_counter() - started
    take_turns(work, watch, plan)
    rows = []
    for name, run in work.items():
        logit_MT = cast("Float32s", run())
        same = np.array_equal(np.argsort(logit_MT, axis=0), np.argsort(reference, axis=0))
        off = f"{np.abs(logit_MT - reference).max():.1e}"
        rows.append([name, f"{watch.median_cpu(name):.2f}", f"{first_s[name]:.1f}", off, "yes" if same else "no"])
    table(f"Scoring alone by device, L={past}, C={candidates} (CPU milliseconds; the first call compiles)",
          ["device", "CPU p50", "first call s", "off by", "same order"], rows)  # fmt: skip


def report_kinds(plan: Plan) -> list[str]:
    """Compression and depth on and off, at 100 candidates and each past that a pyramid fits."""
    missed, rows, candidates = [], [], USUAL[1]
    for past in (size for size in plan.pasts if pyramid(size).keep):
        batch, watch = request(events=past, candidates=candidates), Stopwatch()
        work: dict[str, Work] = {}
        models = [(kind, make_ranker(kind.config)) for kind in kinds(past)]
        for kind, model in models:
            for way, run in works(model, batch, kind.depth).items():
                work[f"{kind.name}: {way}"] = run
        take_turns(work, watch, plan)
        for kind, model in models:
            kept = weigh(model, batch, kind.depth)
            took = [watch.median_cpu(f"{kind.name}: {way}") for way in ("cold", "warm", "grown")]
            rows.append([str(past), kind.name, *(f"{ms:.2f}" for ms in took), *described(kept)])
            missed += missed_exactness(f"{kind.name} at L={past}", kept)
    head = ["L", "kind", "cold", "warm", "grown", "MFLOP encode", "MFLOP score", "KB kept", "formula", "off by"]
    table(f"Compression and depth at C={candidates} (CPU milliseconds; off by: from the packed forward)", head, rows)
    return missed


def weigh(model: Ranker, batch: TokenBatch, depth: int | None) -> Kept:
    """FLOPs, memory, and the difference to the packed forward of the same ranker at the same depth."""
    state = encode_user(model, batch)
    cached = score(model, state, batch, depth=depth)
    with torch.inference_mode():
        packed = model.exits(batch)[-1 if depth is None else depth - 1, 0].numpy()
    return Kept(
        encode_flops=count_flops(lambda: encode_user(model, batch)),
        score_flops=count_flops(lambda: score(model, state, batch, depth=depth)),
        nbytes=state.nbytes,
        predicted=predicted_bytes(model, int(batch.event_mask_BS.sum())),
        difference=float(np.abs(cached - packed).max()),
        same_order=np.array_equal(np.argsort(cached, axis=0), np.argsort(packed, axis=0)),
    )


def described(kept: Kept) -> list[str]:
    """The cells of one kind beside its times."""
    return [
        f"{kept.encode_flops / 1e6:.1f}",
        f"{kept.score_flops / 1e6:.1f}",
        f"{kept.nbytes / 1024:.0f}",
        f"{kept.predicted / kept.nbytes - 1:+.1%}",
        f"{kept.difference:.1e}" + ("" if kept.same_order else ", another order"),
    ]


def missed_exactness(name: str, kept: Kept) -> list[str]:
    """Where the served path is not the model, or the formula not the memory."""
    missed = []
    if kept.difference > TOLERANCE or not kept.same_order:
        missed.append(f"{name} differs from the packed forward by {kept.difference:.1e}, or in its order")
    if abs(kept.predicted / kept.nbytes - 1) > FORMULA_WITHIN:
        missed.append(f"{name} keeps {kept.nbytes} bytes, which the formula misses by more than 5 %")
    return missed


if __name__ == "__main__":
    sys.exit(main())
