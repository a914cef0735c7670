"""The ranker itself in the benchmark: its preset, trained and read as a user of the library would."""

from __future__ import annotations

import ast
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from bench.peers.features import Features
from bench.peers.fitted import Fitted
from bench.peers.registry import Model
from ranking.data.schema import Dataset
from ranking.training.config import TrainingConfig
from ranking.training.loop import train
from ranking.training.predict import predict
from ranking.training.presets import PRESETS

SAMPLE: Final = 1000
ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What a tuning trial changes of a data set's preset."""

    more_dropout: float = 0.0
    batch_cells: int | None = None

    def config(self, name: str) -> TrainingConfig:
        """The preset of a data set, changed."""
        preset = PRESETS[name]()
        ranker = replace(preset.ranker, dropout=preset.ranker.dropout + self.more_dropout)
        return replace(preset, ranker=ranker, batch_cells=self.batch_cells or preset.batch_cells)


TRIALS: Final = (Trial(), Trial(batch_cells=150_000), Trial(batch_cells=150_000, more_dropout=0.1))
"""As many as every peer has. The preset that they start from was itself chosen on validation rows, over more tries."""


def run(dataset: Dataset, features: Features, tasks: Sequence[str], trial: Any, seed: int) -> Fitted:
    """Train the preset of this data set, changed by a trial; `features` are the peers' and are not read."""
    started = time.process_time()
    trained = train(dataset, trial.config(dataset.name), seed=seed)
    fitted = time.process_time()
    test = dataset.split.test
    probability_NT = predict(trained.model, trained.encoder, dataset, test)
    scored = time.process_time()
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        predict(trained.model, trained.encoder, dataset, test[:SAMPLE])
    return Fitted(
        probability_NT=probability_NT[:, [dataset.tasks.index(task) for task in tasks]],
        validation_loss=min(record.validation_loss for record in trained.history),
        epochs=len(trained.history),
        parameters=sum(parameter.numel() for parameter in trained.model.parameters()),
        flops=counter.get_total_flops() / len(test[:SAMPLE]),
        train_s=fitted - started,
        score_us=(scored - fitted) / len(test) * 1e6,
    )


def files_behind(*modules: str) -> tuple[str, ...]:
    """Files of every module of the ranker that some of `ranking.training` import, directly or not, and their own."""
    waiting, found = [f"ranking.training.{name}" for name in modules], set[str]()
    while waiting:
        file = waiting.pop().replace(".", "/") + ".py"
        if file in found or not (ROOT / file).is_file():
            continue
        found.add(file)
        for node in ast.walk(ast.parse((ROOT / file).read_text())):
            if isinstance(node, ast.ImportFrom) and node.module is not None and node.module.startswith("ranking"):
                waiting += [node.module, *(f"{node.module}.{name.name}" for name in node.names)]
    return tuple(sorted(found))


OURS: Final = Model(
    name="ours",
    title="ours",
    run=run,
    trials=TRIALS,
    code=("bench/peers/ours.py", *files_behind("loop", "predict", "presets")),
)
