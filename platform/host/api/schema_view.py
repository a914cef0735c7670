"""The address of the OpenAPI schema, behind the same intake as every other."""

from __future__ import annotations

from drf_spectacular.renderers import OpenApiJsonRenderer2
from drf_spectacular.views import SpectacularAPIView

from host.api.views import JSONView


class SchemaView(JSONView, SpectacularAPIView):
    """The schema, in JSON, for everybody."""

    renderer_classes = [OpenApiJsonRenderer2]
