"""App configuration of statements of reasons."""

from __future__ import annotations

from django.apps import AppConfig


class StatementsConfig(AppConfig):
    """Decisions that restrict items, their statements, and complaints about them."""

    name = "compliance.statements"
    label = "statements"
