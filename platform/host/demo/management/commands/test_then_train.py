"""`manage.py test_then_train`: go through a public data set in time, predict each chunk, then learn from it, once.

manage.py test_then_train kuairand-pure FOLDER --chunks 8
"""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django.core.management.base import BaseCommand, CommandError

from host.demo.datasets import NAMES, load_named

if TYPE_CHECKING:
    from ranking.training.predict import TaskMetrics
    from ranking.training.streaming import Chunk

WIDTHS: Final = (18, 14, 8, 8, 8, 8)


class Command(BaseCommand):
    """Load, stream, print. Reads no database and registers nothing."""

    help = "Evaluate the preset of a data set by next-batch prediction: every row is tested before it is learned from."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which data, and how finely it is cut."""
        parser.add_argument("name", choices=NAMES)
        parser.add_argument("path", nargs="?", type=Path, help="its folder (MovieLens also: a zip, or nothing)")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--chunks", type=int, default=10, help="test chunks of like size, after a first to learn")

    def handle(self, *_: Any, name: str, path: Path | None, **options: Any) -> None:
        """Print one line per chunk and task as it comes, and all of them together; or say in one sentence why not."""
        from ranking.training.presets import PRESETS
        from ranking.training.streaming import equal_chunks, evaluate_then_train

        for option, least in (("seed", 0), ("chunks", 1)):
            if options[option] < least:
                raise CommandError(f"--{option} must be {least} or more, not {options[option]}.")
        try:
            dataset = load_named(name, path)
            self._line("from", "task", "rows", "AUC", "gAUC", "logloss")
            stream = evaluate_then_train(
                dataset,
                PRESETS[name](),
                seed=options["seed"],
                boundaries_ms=equal_chunks(dataset, options["chunks"]),
                progress=self._show,
            )
        except (ValueError, FloatingPointError) as problem:
            raise CommandError(str(problem)) from problem
        self._lines("all chunks", stream.metrics)

    def _show(self, chunk: Chunk) -> None:
        self._lines(datetime.fromtimestamp(chunk.start_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M"), chunk.metrics)

    def _lines(self, when: str, metrics: dict[str, TaskMetrics]) -> None:
        for task, found in metrics.items():
            figures = (f"{value:.4f}" for value in (found.auc, found.gauc, found.logloss))
            self._line(when, task, f"{found.rows:,}", *figures)

    def _line(self, *cells: str) -> None:
        self.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True)).rstrip())
