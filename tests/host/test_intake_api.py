"""Every address of the API is behind the same intake: method, media type, size, query and cookies, before sign-in."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client, RequestFactory
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from compliance.audit.models import ServeRecord
from host.api import urls
from host.api.fields import Choice
from host.api.front import with_readable_headers
from host.api.parsers import MAX_BYTES, StrictJSONParser
from host.api.query import NumberText, QueryParameters
from host.api.schema_view import SchemaView
from host.api.views import JSONView
from host.dashboard.api import FeedView
from tests.conftest import World

FEED = "/api/v1/feed"
JSON = "application/json"


class Typed(JSONView):
    """An address with parameters, a name in its path and a small body."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    max_bytes = 2048

    class Page(QueryParameters):
        """Which part, of which kind."""

        limit = NumberText(min_value=1, max_value=100, default=20)
        kind = Choice(choices=["row", "tile"], required=False)

    query_class = Page

    def get(self, request: Request, name: str) -> Response:
        """Say what was asked."""
        return Response({**self.asked, "name": name})

    def post(self, request: Request, name: str) -> Response:
        """Say what was sent."""
        return Response(request.data)


urlpatterns = [path("api/v1/typed/<str:name>", Typed.as_view())]
typed = pytest.mark.urls(__name__)


class Untouched(io.RawIOBase):
    """A body that nobody may read."""

    def read(self, size: int = -1) -> bytes:
        raise AssertionError("The body was read.")


def views() -> list[Any]:
    """The view class behind every address of the API."""
    return [getattr(pattern.callback, "view_class", None) for pattern in urls.urlpatterns]


def test_every_address_is_behind_the_intake() -> None:
    assert len(views()) >= 5
    for view in views():
        assert issubclass(view, JSONView)
        assert list(view.parser_classes) == [StrictJSONParser]
        assert view is SchemaView or list(view.renderer_classes) == [JSONRenderer]
        assert "options" not in view.http_method_names
        assert view.initial is JSONView.initial


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_no_header_changes_the_method(world: World, client: Client, name: str) -> None:
    client.force_login(world.user("alex"))
    body = {"surface": "home"}
    assert client.post(FEED, body, content_type=JSON, headers={name: "DELETE"}).status_code == 200
    assert client.get(FEED, headers={name: "POST"}).status_code == 405
    assert ServeRecord.objects.count() == 1


@pytest.mark.parametrize(
    ("media", "length", "status"),
    [(JSON, MAX_BYTES + 1, 413), (JSON, 10**30, 413), ("application/x-www-form-urlencoded", 10, 415)],
)
def test_what_is_announced_wrongly_is_refused_before_the_body_is_read(media: str, length: int, status: int) -> None:
    request = RequestFactory().post(FEED, content_type=media)
    request.environ["CONTENT_TYPE"] = request.META["CONTENT_TYPE"] = media
    request.META["CONTENT_LENGTH"] = str(length)
    request._stream = Untouched()  # type: ignore[assignment]
    assert FeedView.as_view()(request).status_code == status


def test_a_body_longer_than_announced_is_read_as_far_as_announced(world: World, client: Client) -> None:
    client.force_login(world.user("alex"))
    answer = client.generic("POST", FEED, b'{"surface": "home"}  ', content_type=JSON, CONTENT_LENGTH="10")
    assert answer.status_code == 400


def test_a_body_in_chunks_is_refused_though_it_would_be_read_as_none(world: World, client: Client) -> None:
    client.force_login(world.user("alex"))
    answer = client.post(FEED, {"surface": "home"}, content_type=JSON, headers={"Transfer-Encoding": "chunked"})
    assert answer.status_code == 400
    assert "Content-Length" in answer.json()["message"]


@typed
def test_declared_parameters_arrive_typed(client: Client) -> None:
    assert client.get("/api/v1/typed/x?limit=5&kind=tile").json() == {"limit": 5, "kind": "tile", "name": "x"}
    assert client.get("/api/v1/typed/x").json() == {"limit": 20, "name": "x"}


@typed
def test_parameters_are_for_reads_alone(client: Client) -> None:
    answer = client.post("/api/v1/typed/x?limit=5", {}, content_type=JSON)
    assert answer.status_code == 400
    assert "'limit'" in answer.json()["message"]


@typed
def test_a_name_with_nul_in_the_path_is_not_found(client: Client) -> None:
    assert client.get("/api/v1/typed/a%00b").status_code == 404


@typed
def test_an_address_sets_its_own_size(client: Client) -> None:
    def answered(length: int) -> int:
        return client.post("/api/v1/typed/x", json.dumps({"a": "x" * (length - 9)}), content_type=JSON).status_code

    assert (answered(2048), answered(2049)) == (200, 413)


def test_what_a_view_declares_is_what_the_schema_says() -> None:
    schema = SchemaGenerator(patterns=urlpatterns).get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    parameters = {entry["name"]: entry for entry in schema["paths"]["/api/v1/typed/{name}"]["get"]["parameters"]}
    assert parameters["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}
    assert parameters["limit"]["in"] == "query"
    assert parameters["kind"]["schema"]["enum"] == ["row", "tile"]
    assert [entry["name"] for entry in schema["paths"]["/api/v1/typed/{name}"]["post"]["parameters"]] == ["name"]


def test_the_schema_is_json_and_nothing_else(client: Client) -> None:
    assert client.get("/api/v1/schema").json()["openapi"] == "3.0.3"
    assert client.get("/api/v1/schema", headers={"Accept": "application/vnd.oai.openapi"}).status_code == 406
    for query in ("version=%0d%0aSet-Cookie:%20a=b", "lang=de", "format=yaml"):
        assert client.get(f"/api/v1/schema?{query}").status_code == 400


@pytest.mark.parametrize("address", ["/api/v1/feed", "/account/"])
def test_a_session_that_spells_nul_is_none(world: World, client: Client, address: str) -> None:
    """Quoted cookies may spell any character in octal, and the session table cannot hold this one."""
    client.raise_request_exception = False
    answer = client.get(address, headers={"Cookie": r'sessionid="abcdefgh\000ijklmnopqrst"'})
    assert answer.status_code in {302, 405}


@pytest.mark.parametrize(
    "media",
    [
        "application/json; charset*=nosuch''%41",
        "application/json; charset*=utf-8''%00",
        "application/json; charset*=idna''%ff",
        "application/x-www-form-urlencoded; charset=hex",
        "a/b; c*=\x00''x",
    ],
)
def test_a_content_type_that_the_framework_cannot_read_is_none(db: None, media: str) -> None:
    """The framework reads it before any handler of errors stands: only what is in front of it can help."""
    statuses: list[str] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        statuses.append(status)

    for address in (FEED, "/accounts/login/"):
        environ = RequestFactory().post(address, b"login=a", content_type=JSON).environ
        environ |= {"CONTENT_TYPE": media, "HTTP_HOST": "testserver"}
        for part in with_readable_headers(WSGIHandler())(environ, start_response):
            assert part
    assert [status[:3] for status in statuses] == ["415", "403"]
