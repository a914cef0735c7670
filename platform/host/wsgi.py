"""WSGI entry point: production settings unless others are named."""

from __future__ import annotations

import gc
import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from host.admission import with_bounded_work
from host.api.front import with_readable_headers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "host.settings.production")
application = with_bounded_work(
    with_readable_headers(get_wsgi_application()),
    places=settings.WEB_PLACES,
    ingest_places=settings.WEB_INGEST_PLACES,
)
get_resolver().url_patterns  # noqa: B018 - what is behind every address is loaded now, not by the first who asks
if settings.SCORER == "local":
    import_module("ranking.training.registry")  # torch, once for all processes that are forked from here
import_module("scipy.optimize")  # what repairs of lists are solved with: else the first one waits for it
gc.collect()
gc.freeze()  # what was loaded stays loaded: the collector need not walk it again while requests are answered
