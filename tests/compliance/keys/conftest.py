"""A vault of its own for each test, and nothing remembered from the one before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compliance.audit.keys import services
from compliance.audit.models import KeyEncryptionKey, SubjectKey


@pytest.fixture(autouse=True)
def _own_vault(tmp_path: Path, settings: Any) -> None:
    settings.AUDIT_KEYS = tmp_path / "keys"
    services.forget_all()


@pytest.fixture(autouse=True)
def _no_rows_of_another_vault(request: pytest.FixtureRequest) -> None:
    """The made-up world, where an earlier test has loaded it, has keys in the vault of all tests."""
    if (mark := request.node.get_closest_marker("django_db")) is not None:
        request.getfixturevalue("transactional_db" if mark.kwargs.get("transaction") else "db")
        SubjectKey.objects.all().delete()
        KeyEncryptionKey.objects.all().delete()
