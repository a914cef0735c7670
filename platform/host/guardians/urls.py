"""Addresses of the guardian pages."""

from __future__ import annotations

from django.urls import path

from host.guardians import views

urlpatterns = [
    path("", views.overview, name="guardians"),
    path("code/", views.invite, name="guardians_invite"),
    path("answer/", views.answer, name="guardians_answer"),
    path("codes/<item_id:invite_id>/confirm/", views.confirm, name="guardians_confirm"),
    path("codes/<item_id:invite_id>/take-back/", views.take_back, name="guardians_take_back"),
    path("limit/", views.own_limit, name="own_limit"),
    path("time-zone/", views.zone, name="own_zone"),
    path("<item_id:link_id>/", views.child, name="guardians_child"),
    path("<item_id:link_id>/look/", views.look, name="guardians_look"),
    path("<item_id:link_id>/limit/", views.child_limit, name="guardians_limit"),
    path("<item_id:link_id>/consent/", views.consent, name="guardians_consent"),
    path("<item_id:link_id>/topics/", views.topics, name="guardians_topics"),
    path("<item_id:link_id>/unlink/", views.unlink, name="guardians_unlink"),
]
