"""App configuration of policy."""

from __future__ import annotations

from django.apps import AppConfig


class PolicyConfig(AppConfig):
    """Policy before ranking."""

    name = "compliance.policy"
    label = "policy"
