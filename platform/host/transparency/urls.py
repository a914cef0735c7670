"""Addresses of the log: /log/checkpoint and /log/tile/…."""

from __future__ import annotations

from django.urls import path

from host.transparency import views

urlpatterns = [
    path("checkpoint", views.checkpoint, name="log_checkpoint"),
    path("tile/<path:path>", views.tile, name="log_tile"),
]
