"""A log of slates in a folder of its own, and auditors with keys."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client

from compliance.audit.models import LogQueue
from tests.compliance.test_door import serve_on
from tests.conftest import World

ALL = "records,proofs,replays,parameters,samples"
AUDIT = "/api/v1/audit/"
WHY = {"X-Reason": "inspection 7 of 2026"}


def key_for(name: str, scopes: str = ALL, days: int = 30) -> str:
    """A key as the command shows it."""
    shown = StringIO()
    people = ("--by", "ada", "--approved-by", "ben", "--why", "vetted by the coordinator")
    call_command("auditor", "add", name, "--scopes", scopes, "--days", str(days), *people, stdout=shown)
    return shown.getvalue().strip()


def read(key: str, address: str, **headers: str) -> Any:
    """Ask with a key, and a reason."""
    return Client(raise_request_exception=False).get(
        f"{AUDIT}{address}", headers={"Authorization": f"Bearer {key}", **WHY, **headers}
    )


def is_refusal(response: Any, status: int) -> dict[str, Any]:
    """Check the one shape of an error and return it."""
    body: dict[str, Any] = response.json()
    assert response.status_code == status, body
    assert set(body) == {"message", "extra"}
    assert body["message"].endswith(".")
    return body


@pytest.fixture(autouse=True)
def _no_limits_left_over() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def log(world: World, tmp_path: Path, settings: Any) -> Path:
    """A log that holds nothing yet."""
    LogQueue.objects.all().delete()
    settings.AUDIT_LOG = {**django_settings.AUDIT_LOG, "folder": tmp_path / "log", "key": tmp_path / "key"}
    return tmp_path / "log"


@pytest.fixture
def serves(log: Path, world: World) -> list[str]:
    """Three slates, signed: a scored one, and two of people who are not profiled."""
    ids = [str(serve_on(world.subject(name)).serve_id) for name in ("alex", "sam", "kim")]
    call_command("sequencer", once=True)
    return ids


@pytest.fixture
def key(world: World) -> str:
    """An auditor's key for everything but trade secrets."""
    return key_for("auditor-one")
