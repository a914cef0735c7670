"""App configuration of age assurance."""

from __future__ import annotations

from django.apps import AppConfig


class AssuranceConfig(AppConfig):
    """Age assurance."""

    name = "compliance.assurance"
    label = "assurance"
