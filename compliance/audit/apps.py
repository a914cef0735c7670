"""App configuration of the audit trail."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Serve records."""

    name = "compliance.audit"
    label = "audit"

    def ready(self) -> None:
        """Load the models that do not lie beside the others."""
        import_module("compliance.audit.ingest.models")
