"""Addresses of the API, version 1."""

from __future__ import annotations

from django.urls import path

from host.api.schema_view import SchemaView
from host.assurance import api_urls as age
from host.dashboard import api, controls_api
from host.guardians import api_urls as guardians
from host.ingest import views as ingest
from host.regulator_portal import urls as audit
from host.statements import api_urls as statements

urlpatterns = [
    path("feed", api.FeedView.as_view(), name="api_feed"),
    path("feed/mode", api.FeedModeView.as_view(), name="api_feed_mode"),
    path("events", api.EventsView.as_view(), name="api_events"),
    path("controls", controls_api.ControlsView.as_view(), name="api_controls"),
    path("controls/start-again", controls_api.StartAgainView.as_view(), name="api_start_again"),
    path("serves/<uuid:serve_id>/survey", controls_api.SurveyView.as_view(), name="api_survey"),
    path("serves/<uuid:serve_id>", api.ServeView.as_view(), name="api_serve"),
    path("ingest/decisions", ingest.DecisionsView.as_view(), name="api_ingest"),
    path("ingest/sources/<str:name>/gaps", ingest.GapsView.as_view(), name="api_ingest_gaps"),
    path("ingest/sources/<str:name>/reconciliations", ingest.ReconciliationsView.as_view(), name="api_reconcile"),
    *age.urlpatterns,
    *guardians.urlpatterns,
    *audit.urlpatterns,
    *statements.urlpatterns,
    path("schema", SchemaView.as_view(), name="api_schema"),
]
