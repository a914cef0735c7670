"""A provider that really signs, trusted by the service; its keys are made once."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from compliance.assurance.local_provider import LocalProvider

ACCOUNTS = {"ann": "adult", "tim": "teen", "kit": "child"}


@pytest.fixture(scope="session")
def provider() -> LocalProvider:
    """The provider."""
    return LocalProvider(issuer="made-up", accounts=ACCOUNTS, now=timezone.now(), bits=2048)


@pytest.fixture(scope="session")
def stranger() -> LocalProvider:
    """A provider that nobody trusts."""
    return LocalProvider(issuer="stranger", accounts=ACCOUNTS, now=timezone.now() - timedelta(days=1), bits=2048)


@pytest.fixture
def trusted(provider: LocalProvider, tmp_path: Path, settings: Any) -> LocalProvider:
    """The provider, in the operator's file."""
    path = tmp_path / "providers.json"
    path.write_text(json.dumps(provider.document()))
    settings.AGE_PROVIDERS = str(path)
    return provider
