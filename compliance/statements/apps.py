"""App configuration of statements of reasons."""

from __future__ import annotations

from django.apps import AppConfig


class StatementsConfig(AppConfig):
    """Decisions that restrict items, their statements, and complaints about them."""

    name = "compliance.statements"
    label = "statements"

    def ready(self) -> None:
        """What acted on a person's lists is forgotten with the key of those lists."""
        from compliance.audit.keys.companions import forgets
        from compliance.statements.unstated import forget_served

        forgets(forget_served)
