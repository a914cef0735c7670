"""The audit API as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class RegulatorPortalConfig(AppConfig):
    """Label `regulator_portal`."""

    name = "host.regulator_portal"
    label = "regulator_portal"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Refuse to start where fields are sealed from auditors and no escrow copy could be made."""
        from compliance.audit.access.sealed import check_escrow

        check_escrow()
