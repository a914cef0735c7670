"""Addresses of the API of a person's age group."""

from __future__ import annotations

from django.urls import path

from host.assurance import api

urlpatterns = [
    path("age", api.AgeView.as_view(), name="api_age"),
    path("age/numbers", api.NumbersView.as_view(), name="api_age_numbers"),
    path("age/proofs", api.ProofsView.as_view(), name="api_age_proofs"),
    path("age/contests", api.ContestsView.as_view(), name="api_age_contests"),
]
