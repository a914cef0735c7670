"""App configuration of subjects."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import pre_delete


class SubjectsConfig(AppConfig):
    """People as the rooms below know them."""

    name = "compliance.subjects"
    label = "subjects"

    def ready(self) -> None:
        """End what a guardian agreed to before their row goes, whoever deletes it."""
        pre_delete.connect(_guardian_leaves, sender=self.get_model("Subject"))


def _guardian_leaves(*, instance: Any, **_: Any) -> None:
    from compliance.subjects.guardians import guardian_leaves

    guardian_leaves(guardian=instance)
