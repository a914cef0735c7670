"""Addresses of the audit API, under /api/v1/."""

from __future__ import annotations

from django.urls import path, register_converter

from host.regulator_portal import views
from host.regulator_portal.converters import Sha256

register_converter(Sha256, "sha256")

urlpatterns = [
    path("audit/records", views.RecordsView.as_view(), name="api_audit_records"),
    path("audit/records/<uuid:record_id>", views.RecordView.as_view(), name="api_audit_record"),
    path("audit/records/<uuid:record_id>/proof", views.ProofView.as_view(), name="api_audit_proof"),
    path("audit/records/<uuid:record_id>/evidence", views.EvidenceView.as_view(), name="api_audit_evidence"),
    path("audit/records/<uuid:record_id>/replay", views.ReplayView.as_view(), name="api_audit_replay"),
    path("audit/parameters", views.ParametersView.as_view(), name="api_audit_parameters"),
    path("audit/packs/<sha256:sha256>", views.PackView.as_view(), name="api_audit_pack"),
    path("audit/escrow/<sha256:sha256>", views.EscrowView.as_view(), name="api_audit_escrow"),
    path("audit/samples", views.SamplesView.as_view(), name="api_audit_samples"),
    path("audit/log", views.LogView.as_view(), name="api_audit_log"),
]
