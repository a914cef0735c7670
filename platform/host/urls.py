"""Every address of the host."""

from __future__ import annotations

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

from host import health
from host.dashboard import refusals

admin.autodiscover()
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    path("", include("host.dashboard.urls")),
    path("account/age/", include("host.assurance.urls")),
    path("account/guardians/", include("host.guardians.urls")),
    path("", include("host.statements.urls")),
    path("api/v1/", include("host.api.urls")),
    path("log/", include("host.transparency.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
]

handler400 = refusals.bad_request
handler403 = refusals.forbidden
handler404 = refusals.not_found
handler500 = refusals.broken
