"""While the database or the broker is away, everybody gets a sentence and a time to come back: never a 500."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.db.utils import InterfaceError, InternalError, OperationalError
from django.test import Client

from host.outbox import services as outbox
from host.settings.cache import cache_settings
from tests.conftest import World

PAGES = ("/", "/account/", "/items/1/", "/accounts/login/", "/accounts/email/", "/admin/", "/no/such/page")
API: tuple[tuple[str, str, Any], ...] = (
    ("post", "/api/v1/feed", {"surface": "home"}),
    ("put", "/api/v1/feed/mode", {"surface": "home", "feed_mode": "newest"}),
    ("post", "/api/v1/events", {"events": []}),
    ("get", "/api/v1/serves/018f0000-0000-7000-8000-000000000000", None),
    ("get", "/api/v1/audit/records", None),
)


@pytest.fixture
def alex(world: World) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(world.user("alex"))
    return client


def away(monkeypatch: pytest.MonkeyPatch, error: type[Exception] = OperationalError) -> None:
    """Make every statement fail as it does while the database is down."""

    def gone(*_: object, **__: object) -> Any:
        raise error("connection refused")

    monkeypatch.setattr(connection, "cursor", gone)


@pytest.mark.parametrize("address", PAGES)
def test_without_a_database_every_page_is_a_503_with_a_sentence(
    alex: Client, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    with monkeypatch.context() as context:
        away(context)
        response = alex.get(address)
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert "The database does not answer" in response.content.decode()
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("error", [OperationalError, InterfaceError, InternalError])
@pytest.mark.parametrize(("method", "address", "body"), API)
def test_without_a_database_the_api_answers_503_in_the_one_shape(
    alex: Client, monkeypatch: pytest.MonkeyPatch, method: str, address: str, body: Any, error: type[Exception]
) -> None:
    with monkeypatch.context() as context:
        away(context, error)
        response = getattr(alex, method)(address, body, content_type="application/json")
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert set(response.json()) == {"message", "extra"}
    assert response.json()["message"].endswith("Try again in a few seconds.")


def test_a_database_that_goes_away_behind_the_sign_in_is_a_503_too(
    alex: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from host.dashboard import account_selectors

    def gone(**_: object) -> Any:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(account_selectors, "account_page", gone)
    response = alex.get("/account/")
    assert (response.status_code, response["Retry-After"]) == (503, "5")


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port where connections are taken and never answered, as behind a firewall that swallows packets."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture(params=["closed", "silent"])
def no_redis(request: pytest.FixtureRequest, silent_port: int) -> str:
    """The URL of a broker that refuses connections, or never answers them."""
    return f"redis://127.0.0.1:{silent_port if request.param == 'silent' else 1}/0"


def test_without_a_cache_lists_and_sign_in_go_on_and_limits_pause(
    world: World, settings: Any, no_redis: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CACHES = {"default": cache_settings(no_redis)}
    client = Client()
    data = {"login": "alex@demo.example", "password": world.password}
    assert client.post("/accounts/login/", data).status_code == 302
    assert client.post("/api/v1/feed", {"surface": "home"}, content_type="application/json").status_code == 200
    assert "rate limits pause" in caplog.text


def test_a_cache_that_is_away_behaves_as_an_empty_one(settings: Any, no_redis: str) -> None:
    settings.CACHES = {"default": cache_settings(no_redis)}
    assert cache.add("key", 1)
    cache.set("key", 1)
    assert (cache.get("key", 7), cache.has_key("key"), cache.get_many(["key"])) == (7, False, {})
    assert (cache.touch("key"), cache.delete("key"), cache.set_many({"key": 1})) == (False, False, ["key"])
    cache.delete_many(["key"])
    with pytest.raises(ValueError, match="not found"):
        cache.incr("key")


def test_a_cache_that_answers_is_a_cache(world: World) -> None:
    cache.set("answers", 1, 10)
    assert (cache.get("answers"), cache.add("answers", 2), cache.incr("answers")) == (1, False, 2)
    assert cache.set_many({"answers": 3}) == []
    assert cache.delete("answers")


def test_without_a_broker_a_reaction_is_stored_at_once_and_left_to_the_sweeper(
    world: World, monkeypatch: pytest.MonkeyPatch, no_redis: str
) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", no_redis)
    entry = outbox.enqueue(task="refresh_popularity", key="20260102T0304", arguments={})
    start = time.monotonic()
    outbox.publish(entry_ids=[entry.id])
    assert time.monotonic() - start < 1
    entry.refresh_from_db()
    assert entry.published_at is None
