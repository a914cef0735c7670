"""App configuration of accounts."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import pre_delete


class AccountsConfig(AppConfig):
    """Users and roles."""

    name = "host.accounts"
    label = "accounts"

    def ready(self) -> None:
        """End what a guardian agreed to before their account goes, whoever deletes it."""
        pre_delete.connect(_account_leaves, sender=self.get_model("User"))


def _account_leaves(*, instance: Any, **_: Any) -> None:
    from compliance.subjects.guardians import guardian_leaves

    if instance.subject is not None:
        guardian_leaves(guardian=instance.subject)
