"""WSGI entry point: production settings unless others are named."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from host.api.front import with_readable_headers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "host.settings.production")
application = with_readable_headers(get_wsgi_application())
