"""Addresses of the pages about statements of reasons."""

from __future__ import annotations

from django.urls import path

from host.dashboard import converters  # noqa: F401 - the addresses below name its converter
from host.statements import moderation_views, review_views, views

urlpatterns = [
    path("statements/", views.statements, name="statements"),
    path("statements/<uuid:decision_id>/", views.statement, name="statement"),
    path("statements/<uuid:decision_id>/complain/", views.complaint, name="complain"),
    path("statements/evidence/<uuid:evidence_id>/", views.evidence, name="evidence"),
    path("moderation/", review_views.queue, name="moderation"),
    path("moderation/items/", moderation_views.waiting, name="moderation_items"),
    path("moderation/items/<item_id:item_id>/", moderation_views.item, name="moderation_item"),
    path("moderation/items/<item_id:item_id>/label/", moderation_views.label, name="moderation_label"),
    path("moderation/items/<item_id:item_id>/decide/", moderation_views.decision, name="moderation_decide"),
    path("moderation/<uuid:complaint_id>/", review_views.complaint, name="review"),
    path("moderation/<uuid:complaint_id>/close/", review_views.close, name="close_complaint"),
]
