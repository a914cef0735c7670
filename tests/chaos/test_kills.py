"""Whatever is killed, however often: nothing acknowledged is lost, nothing is there twice, and the log verifies."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from host.engines.paths import paths_for
from tests.chaos.running import bench


@pytest.fixture(scope="module")
def home() -> Iterator[str]:
    """A home folder that the tests of this file make once. Its engines' folder goes with it."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        yield folder
        shutil.rmtree(paths_for(Path(folder)).state, ignore_errors=True)


def test_forty_kills_lose_nothing_and_double_nothing(home: str) -> None:
    said = bench("bench/kills.py", "--kills", "40", "--between", "0.4", "--unscored", "--home", home)
    assert "## 40 x kill -9" in said
    assert "All targets met." in said


def test_the_same_bench_finds_what_is_lost_when_commits_do_not_wait_for_the_disk(home: str) -> None:
    assert "The bench finds what is lost." in bench("bench/kills.py", "--self-check", "--kills", "2", "--home", home)
