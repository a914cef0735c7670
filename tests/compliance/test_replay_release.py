"""Records that the previous release made still verify and replay: as they are, and after the database is migrated."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from compliance.audit.models import ServeRecord
from compliance.serving.replay import Grade, Replay, Replayer
from tests.compliance.earlier_release import Release, load_as_migrated
from tests.compliance.replayed import named
from tests.fixtures.make_release_fixture import flags

ROOT = Path(__file__).resolve().parents[2]
RECORDS, SCORED = 52, 20


@pytest.fixture(name="release")
def _release(db: None, settings: Any, tmp_path: Path) -> Release:
    """Release 0.1.0's records in today's tables, its model in the registry."""
    release = Release.unpacked("0_1_0", tmp_path)
    settings.MODEL_REGISTRY = release.models
    load_as_migrated(release)
    return release


def replays(release: Release) -> list[Replay]:
    """Replays of all its records, which must be under the tree that it signed."""
    return list(Replayer(place=release.place).replay_all(ServeRecord.objects.order_by("id")))


def test_every_record_of_the_previous_release_replays(release: Release) -> None:
    outcomes = replays(release)
    assert len(outcomes) == RECORDS
    assert sum(outcome.largest_difference is not None for outcome in outcomes) == SCORED
    assert [named(one) for one in outcomes if not one.grade.reaches(Grade.R3)] == []
    if flags() == release.about["flags"]:  # other processors may give other bits, though they name the same class
        assert [str(one) for one in outcomes if not one.kept] == []


def test_a_changed_snapshot_of_the_previous_release_is_named(release: Release) -> None:
    record = ServeRecord.objects.exclude(model_sha256=None).order_by("id")[0]
    body = bytes(record.body).replace(b'"slate_size":', b'"slate_siez":')
    ServeRecord.objects.filter(id=record.id).update(body=body)
    outcome = next(one for one in replays(release) if one.serve_id == str(record.id))
    assert outcome.grade is Grade.NONE
    assert "commitment" in named(outcome)


@pytest.fixture(name="home")
def _home() -> Iterator[Path]:
    """A home for engines of their own: short, as sockets' paths must be."""
    with tempfile.TemporaryDirectory(prefix="old") as home:
        yield Path(home)


LOAD = """
import django; django.setup()
from pathlib import Path
from django.db import connection, transaction
connection.ensure_connection()
with connection.connection.cursor() as cursor:
    for path in sorted(Path({folder!r}).glob("*.csv")):
        columns = path.read_text().partition(chr(10))[0]
        with cursor.copy(f"COPY {{path.stem}} ({{columns}}) FROM STDIN (FORMAT csv, HEADER)") as copy:
            copy.write(path.read_bytes())
"""


@pytest.mark.slow
def test_a_migrated_database_of_the_previous_release_verifies_and_replays(home: Path, tmp_path: Path) -> None:
    release = Release.unpacked("0_1_0", tmp_path)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CLERESTORY_")},
        "CLERESTORY_HOME": str(home),
        "CLERESTORY_AUDIT_LOG": str(release.place.folder),
        "CLERESTORY_AUDIT_VKEY": release.about["vkey"],
        "DJANGO_SETTINGS_MODULE": "host.settings.demo",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}",
    }

    def run(*arguments: str) -> str:
        done = subprocess.run(  # noqa: S603
            [sys.executable, *arguments], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("manage.py", "migrate", "audit", "0004", "--verbosity", "0")  # as it was then
    run("-c", LOAD.format(folder=str(tmp_path / "tables")))
    run("manage.py", "migrate", "--verbosity", "0")
    shutil.copytree(release.models, home / "models")
    assert json.loads(run("manage.py", "audit", "verify", "--json"))["faults"] == []
    document = json.loads(run("manage.py", "replay", "--last", "100", "--json"))
    assert (document["replayed"], document["kept"], document["signed_tree"]) == (RECORDS, True, True)
    assert Counter(document["grades"]).keys() <= {"R2", "R3"}
    run("manage.py", "replay", "--inventory")
