"""These tests look at bytes and at the order of operations, so they do not wait for the disk; one of them does."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def quick_disk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Syncs return at once, except for a test that asks for `real_disk`."""
    if "real_disk" not in request.fixturenames:
        monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def real_disk() -> None:
    """Syncs wait for the disk."""
