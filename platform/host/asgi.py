"""ASGI entry point: production settings unless others are named.

Nothing here refuses what is too much at once, as `host.wsgi` does (`host/admission.py` is for one thread a request):
put a limit on requests at once in front of it, or serve with WSGI, which is what is measured and documented.
"""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "host.settings.production")
application = get_asgi_application()
