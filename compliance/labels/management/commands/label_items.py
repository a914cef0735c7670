"""`manage.py label_items`: read what no classifier has read, and compute every item's label anew."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from compliance.labels.classifier.protocol import ClassifierBroken
from compliance.labels.selectors import awaiting_a_person
from compliance.labels.services import read_all, rewrite_effective

ALL_DAY_S = 86_400.0


class Command(BaseCommand):
    """What the worker does by itself, at once and for everything: run it after a change of classifier."""

    help = "Have the text classifier read all new and changed items, and compute every item's label anew."

    def handle(self, *_: Any, **__: Any) -> None:
        """Read and write, or say in one sentence why not."""
        try:
            read = read_all(service=settings.SERVICE, budget_s=ALL_DAY_S)
            changed = rewrite_effective(service=settings.SERVICE)
        except ClassifierBroken as error:
            raise CommandError(str(error)) from error
        waiting = awaiting_a_person(service=settings.SERVICE).count()
        self.stdout.write(f"{read} items read, {changed} labels changed; {waiting} items wait for a moderator.")
