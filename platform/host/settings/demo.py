"""The demo on one machine: a generated secret, this machine's names only, plain HTTP."""

from __future__ import annotations

from host.settings import base
from host.settings.base import *  # noqa: F403
from host.settings.base import HOME_DIR
from host.settings.secret import machine_escrow_key, machine_secret

DEMO = True
SERVICE = "demo"
SECRET_KEY = machine_secret(HOME_DIR / "secret_key")
AUDIT_ESCROW_KEY = base.AUDIT_ESCROW_KEY or machine_escrow_key(HOME_DIR / "keys" / "escrow")
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
STATIC_ROOT = None  # nothing is collected: files are served from where they lie
WHITENOISE_USE_FINDERS = True  # no collectstatic step before the first look
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
