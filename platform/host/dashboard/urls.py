"""Addresses of the person's pages."""

from __future__ import annotations

from django.urls import path
from django.views.generic import TemplateView

from host.dashboard import (
    account_views,
    controls_views,
    converters,  # noqa: F401 - the addresses below name its converter
    reaction_views,
    survey_views,
    views,
)
from host.dashboard.words import SOURCES

HELP = TemplateView.as_view(template_name="help.html", extra_context={"sources": SOURCES.values()})

urlpatterns = [
    path("", views.feed, name="feed"),
    path("order/", views.order, name="order"),
    path("items/<item_id:item_id>/", views.item, name="item"),
    path("items/<item_id:item_id>/react/", reaction_views.reaction, name="react"),
    path("items/<item_id:item_id>/show-again/", reaction_views.show_again, name="show_again"),
    path("covers/<item_id:item_id>.svg", views.cover, name="cover"),
    path("help/", HELP, name="help"),
    path("controls/", controls_views.controls, name="controls"),
    path("controls/change/", controls_views.change_control, name="change_control"),
    path("controls/start-again/", controls_views.begin_again, name="start_again"),
    path("survey/", survey_views.survey, name="survey"),
    path("account/", account_views.account, name="account"),
    path("account/consent/", account_views.consent, name="consent"),
    path("account/objection/", account_views.objection, name="objection"),
]
