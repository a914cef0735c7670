"""App configuration of content labels."""

from __future__ import annotations

from django.apps import AppConfig


class LabelsConfig(AppConfig):
    """Label `labels`."""

    name = "compliance.labels"
    label = "labels"
