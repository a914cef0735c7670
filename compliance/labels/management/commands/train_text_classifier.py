"""`manage.py train_text_classifier --data PATH --to FOLDER`: make the default text classifier again."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from compliance.labels.classifier.datasets import TextsRefused
from compliance.labels.classifier.registry import FOLDER, SHA256


class Command(BaseCommand):
    """Trains, measures, writes the files, and says which hash to name."""

    help = "Train the text classifier on the published sets; the same data gives the same bytes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where the sets lie, and where the files go."""
        parser.add_argument("--data", type=Path, required=True, help="a folder with davidson/ and surge-toxicity/")
        parser.add_argument("--to", type=Path, default=FOLDER, help="default: in place of the one that is used")

    def handle(self, *_: Any, data: Path, to: Path, **__: Any) -> None:
        """Train, or say in one sentence why not."""
        from compliance.labels.classifier.train import train

        try:
            made = train(data, to)
        except TextsRefused as error:
            raise CommandError(str(error)) from error
        for category in made.categories:
            figures = made.card["test"][category]
            self.stdout.write(f"{category}: recall {figures['recall']}, precision {figures['precision']}")
        same = "the one that is used" if made.sha256 == SHA256 else "another one: name it in classifier/registry.py"
        self.stdout.write(f"{made.sha256}, {same}.")
