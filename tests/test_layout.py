"""The house keeps its shape: one door, no package called platform, dependencies downwards."""

from __future__ import annotations

import ast
import os
import platform
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("platform/host", "ranking", "compliance", "explain", "privacy")


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Every module of the product, with its path."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def importers_of(target: str) -> set[str]:
    """Paths of the modules that import `target`, or something from it, anywhere in their code."""
    found = set()
    for path, tree in modules():
        for node in ast.walk(tree):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            if any(name == target or name.startswith(f"{target}.") for name in names):
                found.add(path)
    return found


def test_stdlib_platform_is_not_shadowed() -> None:
    assert Path(platform.__file__).parent == Path(sysconfig.get_path("stdlib"))


def test_platform_folder_holds_only_packages() -> None:
    assert not (ROOT / "platform" / "__init__.py").exists()
    assert list((ROOT / "platform").glob("*.py")) == []


def test_only_the_pipeline_ranks() -> None:
    earlier = "compliance/serving/first/deciding.py"  # how records of before were decided: for their replays alone
    assert importers_of("ranking.serving.rank") == {"compliance/serving/pipeline.py", earlier}
    assert importers_of("compliance.serving.first") - {earlier} == {"compliance/serving/replay/again.py"}


def test_only_the_pipeline_gathers() -> None:
    assert importers_of("ranking.serving.gather") == {"compliance/serving/pipeline.py"}


def test_only_the_door_and_replay_use_the_pipeline() -> None:
    assert {path for path in importers_of("compliance.serving.pipeline") if not path.endswith("documents.py")} == {
        "compliance/serving/first/deciding.py",
        "compliance/serving/door.py",
        "compliance/serving/proving/again.py",  # with and without a control; records and returns no list
        "compliance/serving/recording.py",
        "compliance/serving/replay/again.py",
    }


def test_only_the_door_writes_serve_records() -> None:
    assert importers_of("compliance.audit.services") == {
        "compliance/serving/door.py",
        "compliance/serving/recording.py",
    }


def test_nothing_below_the_host_knows_users() -> None:
    assert {path for path in importers_of("host") if not path.startswith("platform/host/")} == set()
    below = {path for path in importers_of("django.contrib.auth") if not path.startswith("platform/host/")}
    assert below == set()


def test_no_module_is_longer_than_400_lines() -> None:
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path


def test_a_web_process_loads_nothing_of_the_cold_tier_before_it_is_asked_for_it() -> None:
    code = "import django, sys; django.setup(); import host.urls; print({'duckdb', 'pyiceberg'} & set(sys.modules))"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "host.settings.test"}
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
