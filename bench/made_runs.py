"""Rankers trained on the made world, kept by what made them: a benchmark that stopped goes on where it was.

The key of a run covers world, training config and seed, and the code that decides weights and logits (comments and
docstrings aside). Kept under .local/bench/made: weights, encoder, and the logits of validation and test rows.

Legend for shape suffixes: X exits, N rows (validation, then test).
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.peers.results import code_sha256
from bench.scaling import expected_auc, expected_logloss
from ranking.data.batches import CodedDataset, code_dataset, collate, find_windows, plan_batches
from ranking.data.encoding import Encoder
from ranking.data.facts import ContextFacts, EventFacts, ItemFacts, UserFacts
from ranking.data.fitting import EncodingOptions
from ranking.data.made import made_world
from ranking.data.made_history import Lengths
from ranking.data.made_truth import events_before
from ranking.data.schema import Action, Dataset, Float32s, Int64s
from ranking.data.tokens import TokenBatch
from ranking.evaluation import cost
from ranking.model.config import RankerConfig
from ranking.model.ranker import Ranker
from ranking.training.config import TrainingConfig, config_to_record
from ranking.training.depth import exit_logits_of_rows
from ranking.training.loop import Trained, train

Numbers = NDArray[np.float64]

FOLDER: Final = Path(__file__).resolve().parents[1] / ".local" / "bench" / "made"
CODE: Final = (
    "bench/made_runs.py",
    "ranking/training/depth.py",
    *(f"ranking/model/{name}.py" for name in ("attention", "compression", "config", "fusion", "lanes", "ranker")),
    *(f"ranking/model/{name}.py" for name in ("packed", "readout", "tokens", "visibility")),
    *(f"ranking/training/{name}.py" for name in ("augment", "config", "loop", "losses", "optimiser", "stepper")),
    *(f"ranking/data/{name}.py" for name in ("batches", "coding", "encoding", "fitting", "tokens")),
    *(f"ranking/data/{name}.py" for name in ("made", "made_history", "made_truth")),
)


RECIPE: Final = TrainingConfig(
    encoding=EncodingOptions(context_features=("tab",)),
    ranker=RankerConfig(
        width=32,
        layers=2,
        heads=2,
        embedding=32,
        feature_embedding=8,
        dropout=0.0,
        context_tokens=4,
        candidate_tokens=4,
    ),
    epochs=4,
    learning_rate=4e-3,
    embedding_rate=3.0,
    item_rate=1.0,
    batch_cells=250_000,
    event_drop=0.0,
    action_drop=0.0,
    item_drop=0.0,
)
"""What every ranker of a made world starts from."""


@dataclass(frozen=True, kw_only=True)
class World:
    """A made world: rows of each part, rows and events of a person.

    `test_rows_a_person` above 0: test rows are a fresh sample of the same world, with so many rows of each person. One
    past then serves many test rows, which is cheap, while training still meets few rows of each of many people.
    """

    train: int
    validation: int
    test: int
    rows_a_person: int
    lengths: Lengths
    test_rows_a_person: int = 0
    items: int = 200
    categories: int = 8

    @property
    def rows(self) -> int:
        """All of them."""
        return self.train + self.validation + self.test


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One ranker to train. `edit` names a change of the data set in EDITS."""

    world: World
    config: TrainingConfig
    seed: int = 0
    edit: str = ""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What is known of the validation and test rows of a world; `test` is where the latter begin."""

    user: Int64s
    time_ms: Int64s
    seen: Int64s  # events before the row, however long its window is
    label: Float32s
    truth: Numbers
    test: int


@dataclass(frozen=True, kw_only=True)
class Run:
    """A trained ranker and the logits of its exits on validation and test rows."""

    model: Ranker
    encoder: Encoder
    logit_XN: Float32s
    rows: Rows
    record: dict[str, Any]  # epochs, parameters, FLOPs an impression, CPU seconds

    def auc(self, logit_N: NDArray[Any] | None = None) -> float:
        """Expected AUC on the test rows under the world's probabilities: no luck of labels is in it."""
        logit_N = self.logit_XN[-1] if logit_N is None else logit_N
        return expected_auc(self.rows.truth[self.rows.test :], logit_N[self.rows.test :].astype(np.float64))

    def logloss(self) -> float:
        """Expected log loss of the last exit on the test rows."""
        logit_N = self.logit_XN[-1][self.rows.test :].astype(np.float64)
        return expected_logloss(self.rows.truth[self.rows.test :], 1 / (1 + np.exp(-logit_N)))

    @property
    def bayes_auc(self) -> float:
        """What no ranker can beat."""
        return self.auc(self.rows.truth)


def shuffle_history(dataset: Dataset) -> Dataset:
    """The data set with every person's events in another order of time: items and streams are kept, recency is lost."""
    rng, events = np.random.default_rng(0), dataset.events
    owner = np.repeat(np.arange(len(events.offsets) - 1), np.diff(events.offsets))
    order = np.lexsort((rng.random(len(owner)), owner))
    content = {name: values[order] for name, values in events.content.items()}
    moved = {name: getattr(events, name)[order] for name in ("item", "action", "stream")}
    return replace(dataset, events=replace(events, content=content, **moved))


def foreign_history(dataset: Dataset) -> Dataset:
    """The data set with items drawn from all people's events: a history that tells nothing of its person."""
    events = dataset.events
    order = np.random.default_rng(0).permutation(len(events.item))
    return replace(dataset, events=replace(events, item=events.item[order]))


EDITS: Final[dict[str, Callable[[Dataset], Dataset]]] = {
    "": lambda dataset: dataset,
    "shuffled": shuffle_history,
    "foreign": foreign_history,
}


@lru_cache(maxsize=1)
def made(world: World) -> tuple[Dataset, Numbers]:
    """The world's training and validation rows (and its test rows, where those are no fresh sample), and P(click)."""
    if not world.test_rows_a_person:
        return _sample(world, world.rows, world.rows_a_person, (world.train, world.validation, world.test), seed=0)
    rows = world.train + world.validation
    return _sample(world, rows, world.rows_a_person, (world.train, world.validation, 0), seed=0)


@lru_cache(maxsize=1)
def examined(world: World) -> tuple[Dataset, Numbers]:
    """Where the test rows lie: in the world itself, or in a fresh sample of it."""
    if not world.test_rows_a_person:
        return made(world)
    return _sample(world, world.test, world.test_rows_a_person, (0, 0, world.test), seed=1)


def _sample(
    world: World, rows: int, rows_a_person: int, parts: tuple[int, int, int], *, seed: int
) -> tuple[Dataset, Numbers]:
    _tell(f"making a world of {rows:,} rows")
    train, validation = (part / rows for part in parts[:2])
    return made_world(
        rows=rows,
        users=max(1, rows // rows_a_person),
        items=world.items,
        categories=world.categories,
        lengths=world.lengths,
        parts=(train, validation, max(0.0, 1 - train - validation)),
        seed=seed,
    )


def run(plan: Plan) -> Run:
    """A plan's run: from the folder, else trained and kept there."""
    folder = FOLDER / key_of(plan)
    if not (folder / "record.json").is_file():
        _compute(plan, folder)
    return _read(plan, folder)


def known(plan: Plan) -> bool:
    """Whether a plan's run lies in the folder."""
    return (FOLDER / key_of(plan) / "record.json").is_file()


def key_of(plan: Plan) -> str:
    """Name of a plan's folder."""
    parts = [code_sha256(CODE), asdict(plan.world), config_to_record(plan.config), plan.seed, plan.edit]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:20]


def past_of(encoder: Encoder, events: int) -> TokenBatch:
    """A request of somebody with so many events without any feature: enough to count FLOPs, not to score."""
    unknown = ItemFacts(external_id="")
    past = [EventFacts(item=unknown, action=Action.SEEN, time_ms=1_000 * index) for index in range(events)]
    context = ContextFacts(time_ms=1_000 * events)
    return encoder.batch(user=UserFacts(), events=past, context=context, candidates=[unknown])


def _compute(plan: Plan, folder: Path) -> None:
    from safetensors.torch import save_file

    dataset, truth_N = made(plan.world)
    dataset = EDITS[plan.edit](dataset)
    started = time.process_time()
    trained = train(dataset, plan.config, seed=plan.seed)
    train_s = time.process_time() - started
    exam, exam_truth_N = examined(plan.world)
    started = time.process_time()
    parts = [
        _read_rows(trained, dataset, truth_N, dataset.split.validation),
        _read_rows(trained, EDITS[plan.edit](exam), exam_truth_N, exam.split.test),
    ]
    predict_s = time.process_time() - started
    record = {
        "epochs": len(trained.history),
        "validation_loss": trained.metrics["validation.loss"],
        "parameters": cost.parameters(trained.model),
        "flops_per_impression": _flops(trained.model, code_dataset(dataset, trained.encoder), dataset.split.validation),
        "train_s": train_s,
        "predict_s": predict_s,
        "plan": {"world": asdict(plan.world), "config": config_to_record(plan.config), "seed": plan.seed},
    }
    folder.mkdir(parents=True, exist_ok=True)
    joined = {name: np.concatenate([part[name] for part in parts], axis=-1) for name in parts[0]}
    np.savez_compressed(folder / "rows.npz", test=len(dataset.split.validation), **joined)
    save_file(trained.model.state_dict(), folder / "weights.safetensors")
    (folder / "encoder.json").write_bytes(trained.encoder.to_json())
    (folder / "record.json").write_text(json.dumps(record, indent=1) + "\n")
    _tell(f"trained in {train_s:.0f} s CPU, predicted {len(joined['user']):,} rows in {predict_s:.0f} s CPU")


def _read_rows(trained: Trained, dataset: Dataset, truth_N: Numbers, rows: Int64s) -> dict[str, NDArray[Any]]:
    """Logits of every exit for some rows, and what is known of those rows."""
    shown = dataset.impressions
    _, seen_N = events_before(dataset)
    coded = code_dataset(dataset, trained.encoder)
    return {
        "logit_XN": exit_logits_of_rows(trained.model, coded, rows)[:, :, 0],
        "user": shown.user[rows].astype(np.int64),
        "time_ms": shown.time_ms[rows],
        "seen": seen_N[rows],
        "label": shown.label_NT[rows, 0],
        "truth": truth_N[rows],
    }


def _read(plan: Plan, folder: Path) -> Run:
    from safetensors.torch import load_file

    encoder = Encoder.from_json((folder / "encoder.json").read_bytes())
    model = Ranker(encoder.layout, plan.config.ranker)
    model.load_state_dict(load_file(folder / "weights.safetensors"))
    with np.load(folder / "rows.npz") as arrays:
        names = ("user", "time_ms", "seen", "label", "truth")
        rows = Rows(**{name: arrays[name] for name in names}, test=int(arrays["test"]))
        logit_XN = arrays["logit_XN"]
    record = json.loads((folder / "record.json").read_text())
    return Run(model=model.eval(), encoder=encoder, logit_XN=logit_XN, rows=rows, record=record)


def _flops(model: Ranker, coded: CodedDataset, rows: Int64s) -> float:
    """FLOPs of the packed forward of one batch of middling windows, by impression."""
    windows = find_windows(coded.source, rows, keep=coded.encoder.max_history)
    batches = plan_batches(windows, cells=cost.BATCH_CELLS)
    tokens = collate(coded, batches[len(batches) // 2]).tokens
    return cost.count_flops(lambda: model(tokens)) / int(tokens.candidate_mask_BM.sum())


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
