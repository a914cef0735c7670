"""Addresses of the age page."""

from __future__ import annotations

from django.urls import path

from host.assurance import views

urlpatterns = [
    path("", views.age, name="age"),
    path("number/", views.number, name="age_number"),
    path("declare/", views.declare, name="age_declare"),
    path("prove/", views.prove, name="age_prove"),
    path("contest/", views.contest, name="age_contest"),
    path("children/<item_id:link_id>/", views.attest, name="age_attest"),
]
