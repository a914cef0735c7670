"""A log of its own, a cold tier of its own, and a month of long ago."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compliance.audit.cold.place import cold_store
from compliance.audit.cold.store import ColdStore
from compliance.audit.heads import LogPlace
from compliance.audit.log.note import SigningKey
from tests.compliance.cold.aged import aged_month
from tests.conftest import World

KEY = SigningKey(name="log.example/cold", private=Ed25519PrivateKey.generate())


@pytest.fixture
def cold(tmp_path: Path, settings: Any) -> ColdStore:
    """A cold tier in a folder."""
    settings.AUDIT_COLD = {"store": str(tmp_path / "cold"), "beside": tmp_path / "beside"}
    return cold_store()


@pytest.fixture
def place(tmp_path: Path) -> LogPlace:
    """A log."""
    return LogPlace(folder=tmp_path / "log", verifier=KEY.verifier())


@pytest.fixture
def month(world: World, place: LogPlace, cold: ColdStore) -> LogPlace:
    """A month of last summer with slates and acts, in the log."""
    aged_month(world, place, KEY)
    return place
