"""Addresses of the API of guardians and limits."""

from __future__ import annotations

from django.urls import path

from host.dashboard import converters  # noqa: F401 - the addresses below name its converter
from host.guardians import api

urlpatterns = [
    path("guardians", api.GuardiansView.as_view(), name="api_guardians"),
    path("guardians/codes", api.CodesView.as_view(), name="api_guardians_codes"),
    path("guardians/answers", api.AnswersView.as_view(), name="api_guardians_answers"),
    path("guardians/confirmations", api.ConfirmationsView.as_view(), name="api_guardians_confirmations"),
    path("guardians/links/<item_id:link_id>", api.UnlinkView.as_view(), name="api_guardians_link"),
    path("guardians/links/<item_id:link_id>/looks", api.LooksView.as_view(), name="api_guardians_looks"),
    path("guardians/links/<item_id:link_id>/limits", api.ChildLimitsView.as_view(), name="api_guardians_limits"),
    path("guardians/links/<item_id:link_id>/consent", api.ParentalConsentView.as_view(), name="api_guardians_consent"),
    path("limits", api.OwnLimitsView.as_view(), name="api_limits"),
]
