"""Health, readiness and metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.utils import OperationalError
from django.test import Client

from host import health
from tests.conftest import World


def test_healthz_answers_without_a_database(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}


def test_readyz_says_ready_when_database_broker_and_model_are_there(world: World, client: Client) -> None:
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"status": "ready"})


def test_readyz_names_a_missing_model(world: World, client: Client, settings: Any, tmp_path: Path) -> None:
    settings.MODEL_REGISTRY = tmp_path
    response = client.get("/readyz")
    assert response.status_code == 503
    assert list(response.json()["missing"]) == ["model"]
    assert "No model is live" in response.json()["missing"]["model"]


def test_readyz_names_a_model_that_cannot_be_loaded(
    world: World, client: Client, settings: Any, tmp_path: Path
) -> None:
    settings.MODEL_REGISTRY = tmp_path
    (tmp_path / "live").write_text("0" * 64)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "cannot be loaded" in response.json()["missing"]["model"]


def test_readyz_names_a_missing_broker(world: World, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from celery import Celery

    monkeypatch.setattr(health, "app", Celery("nobody", broker="redis://127.0.0.1:1/0"))
    monkeypatch.setattr(health, "BROKER_SECONDS", 0.2)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "CELERY_BROKER_URL" in response.json()["missing"]["broker"]


def test_readyz_names_a_missing_database(world: World, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> Any:
        raise OperationalError("connection refused")

    with monkeypatch.context() as context:
        context.setattr(connection, "cursor", gone)
        response = client.get("/readyz")
    assert response.status_code == 503
    assert "database" in response.json()["missing"]


@pytest.mark.django_db
def test_metrics_answer_this_machine_when_no_token_is_set(client: Client) -> None:
    response = client.get("/metrics")
    assert response.status_code == 200
    assert b"django_http_requests_total" in response.content


@pytest.mark.parametrize("request_meta", [{"REMOTE_ADDR": "203.0.113.9"}, {"HTTP_X_FORWARDED_FOR": "203.0.113.9"},
                                          {"REMOTE_ADDR": ""}])  # fmt: skip
def test_metrics_refuse_everybody_else(client: Client, request_meta: dict[str, Any]) -> None:
    response = client.get("/metrics", **request_meta)
    assert response.status_code == 403
    assert b"CLERESTORY_METRICS_TOKEN" in response.content


def test_metrics_without_a_token_are_for_demos_only(client: Client, settings: Any) -> None:
    settings.DEMO = False
    response = client.get("/metrics")
    assert response.status_code == 403
    assert b"CLERESTORY_METRICS_TOKEN" in response.content


@pytest.mark.django_db
def test_with_a_token_it_alone_counts(client: Client, settings: Any) -> None:
    settings.METRICS_TOKEN = "s3cret"
    assert client.get("/metrics").status_code == 403
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 403
    remote: dict[str, Any] = {"REMOTE_ADDR": "203.0.113.9"}
    assert client.get("/metrics", headers={"Authorization": "Bearer s3cret"}, **remote).status_code == 200
