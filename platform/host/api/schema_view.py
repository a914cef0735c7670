"""The address of the OpenAPI schema, behind the same intake as every other."""

from __future__ import annotations

from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer2
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from host.api.views import JSONView


class SchemaView(JSONView):
    """The schema, in JSON, for everybody."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    renderer_classes = (OpenApiJsonRenderer2,)

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """Return the schema, which is the same for everybody."""
        return Response(_schema())


@cache
def _schema() -> dict[str, Any]:
    """Describe the API, once a process: it takes long, and anybody may ask."""
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return schema
