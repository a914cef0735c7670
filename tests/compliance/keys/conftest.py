"""A vault of its own for each test, and nothing remembered from the one before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compliance.audit.keys import services


@pytest.fixture(autouse=True)
def _own_vault(tmp_path: Path, settings: Any) -> None:
    settings.AUDIT_KEYS = tmp_path / "keys"
    services.forget_all()
