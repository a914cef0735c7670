"""Settings for tests: the real PostgreSQL and broker, quick password hashes, nothing sent anywhere."""

from __future__ import annotations

import os
from pathlib import Path

from host.settings.base import *  # noqa: F403
from host.settings.base import AUDIT_LOG, CACHES, HOME_DIR

DEMO = True
SERVICE = "test"
SCORER = "local"  # tests of the scorer's process say so themselves
SECRET_KEY = "only-for-tests"  # noqa: S105
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
CACHES = {"default": {**CACHES["default"], "KEY_PREFIX": f"test-{os.getpid()}"}}  # each test process counts for itself
MODEL_REGISTRY = HOME_DIR / "test-models"
AUDIT_LOG = {**AUDIT_LOG, "folder": HOME_DIR / f"test-audit-log-{os.getpid()}", "second": "", "vkey": ""}
AUDIT_WITNESSES = AUDIT_WITNESSES_NEEDED = ""
# Processes that a test starts find their parent's.
AUDIT_KEYS = Path(os.environ.setdefault("CLERESTORY_TEST_KEYS", str(HOME_DIR / f"test-audit-keys-{os.getpid()}")))
AUDIT_COLD = {"store": str(HOME_DIR / f"test-audit-cold-{os.getpid()}"), "beside": HOME_DIR / "test-audit-cold-local"}
MEDIA_ROOT = HOME_DIR / f"test-files-{os.getpid()}"
# Of the private key bytes(range(32)).
AUDIT_ESCROW_KEY = "8f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CELERY_TASK_ALWAYS_EAGER = False
STATIC_ROOT = None  # nothing is collected: files are served from where they lie
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
SURVEY_SHARE = 0.0  # pages look the same each time; tests of surveys ask under every list
