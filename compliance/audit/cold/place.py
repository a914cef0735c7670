"""Where this deployment's cold tier lies, from the settings."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from compliance.audit.cold.store import ColdStore


def cold_store() -> ColdStore:
    """The store that the setting AUDIT_COLD names."""
    return ColdStore(uri=str(settings.AUDIT_COLD["store"]), beside=Path(settings.AUDIT_COLD["beside"]))
