"""Addresses of the pages about statements of reasons."""

from __future__ import annotations

from django.urls import path

from host.statements import review_views, views

urlpatterns = [
    path("statements/", views.statements, name="statements"),
    path("statements/<uuid:decision_id>/", views.statement, name="statement"),
    path("statements/<uuid:decision_id>/complain/", views.complaint, name="complain"),
    path("statements/evidence/<uuid:evidence_id>/", views.evidence, name="evidence"),
    path("moderation/", review_views.queue, name="moderation"),
    path("moderation/<uuid:complaint_id>/", review_views.complaint, name="review"),
    path("moderation/<uuid:complaint_id>/close/", review_views.close, name="close_complaint"),
]
