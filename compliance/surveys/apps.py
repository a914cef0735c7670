"""The Django app of stated preferences."""

from __future__ import annotations

from django.apps import AppConfig


class SurveysConfig(AppConfig):
    """Questions that were asked, and their answers."""

    name = "compliance.surveys"
    label = "surveys"
