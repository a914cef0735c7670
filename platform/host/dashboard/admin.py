"""What operators may look at and never edit: records, models and events (DESIGN §4: corrections are new entries)."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from compliance.audit.events import note
from compliance.audit.models import ServeRecord
from ranking.catalogue.models import Event
from ranking.serving.models import ModelVersion


class ReadOnly(admin.ModelAdmin[Any]):
    """Look, do not touch."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nothing is added here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is changed here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is deleted here."""
        return False


@admin.register(ServeRecord)
class ServeRecordAdmin(ReadOnly):
    """Serve records by their clear columns; the body stays with the person and the regulator.

    Each look is itself on record, before anything is shown.
    """

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The records; whoever asks for them is noted first."""
        _note_view(request)
        return super().get_queryset(request)

    list_display = ("id", "served_at", "surface", "feed_mode", "tier", "model")
    list_filter = ("surface", "feed_mode", "tier")
    exclude = ("body", "salt", "pseudonym")


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnly):
    """Registered models."""

    list_display = ("sha256", "data_name", "registered_at", "went_live_at")


@admin.register(Event)
class EventAdmin(ReadOnly):
    """Events, without whose they are."""

    list_display = ("id", "occurred_at", "action", "surface")
    list_filter = ("action", "surface")
    exclude = ("subject_id",)


def _note_view(request: HttpRequest) -> None:
    """Put a look by staff on record, once a request. What cannot be noted is not shown."""
    if getattr(request, "view_is_on_record", False):
        return
    what = {"by": {"account": request.user.pk}, "path": request.path, "query": request.META.get("QUERY_STRING", "")}
    note(kind="staff_view", happened_at=timezone.now(), what=what)
    setattr(request, "view_is_on_record", True)  # noqa: B010 - requests declare no attributes of ours
