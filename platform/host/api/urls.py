"""Addresses of the API, version 1."""

from __future__ import annotations

from django.urls import path

from host.api.schema_view import SchemaView
from host.dashboard import api

urlpatterns = [
    path("feed", api.FeedView.as_view(), name="api_feed"),
    path("feed/mode", api.FeedModeView.as_view(), name="api_feed_mode"),
    path("events", api.EventsView.as_view(), name="api_events"),
    path("serves/<uuid:serve_id>", api.ServeView.as_view(), name="api_serve"),
    path("schema", SchemaView.as_view(), name="api_schema"),
]
