"""Addresses of the statements' API, under /api/v1/."""

from __future__ import annotations

from django.urls import path

from host.statements import api

urlpatterns = [
    path("statements", api.StatementsView.as_view(), name="api_statements"),
    path("statements/decisions", api.DecisionsView.as_view(), name="api_decide"),
    path("statements/reconciliation", api.ReconciliationView.as_view(), name="api_statements_reconciliation"),
    path("statements/complaints", api.QueueView.as_view(), name="api_queue"),
    path("statements/complaints/<uuid:complaint_id>", api.ReviewView.as_view(), name="api_review"),
    path("statements/complaints/<uuid:complaint_id>/outcome", api.OutcomeView.as_view(), name="api_outcome"),
    path("statements/<uuid:decision_id>", api.StatementView.as_view(), name="api_statement"),
    path("statements/<uuid:decision_id>/complaints", api.ComplaintsView.as_view(), name="api_complain"),
]
