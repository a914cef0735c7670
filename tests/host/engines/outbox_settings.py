"""Just enough settings for a worker of the outbox tests, on the engines of CLERESTORY_HOME."""

from __future__ import annotations

from host.engines import broker_settings, database_settings
from host.engines.broker import BROKER_TRANSPORT_OPTIONS

SECRET_KEY = "only-for-tests"
INSTALLED_APPS = ["host.outbox"]
DATABASES = {"default": database_settings()}
USE_TZ = True
CELERY_BROKER_URL = broker_settings()
CELERY_BROKER_TRANSPORT_OPTIONS = BROKER_TRANSPORT_OPTIONS
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
OUTBOX_SWEEP_SECONDS = 30
OUTBOX_HANDLERS = {"note": "tests.host.outbox_handlers.note_slowly_at_first"}
