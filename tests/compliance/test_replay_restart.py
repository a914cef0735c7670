"""Slates over three models replay in a process that has seen none of it: the same bits, or close on other kernels."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection

from compliance.audit.models import ServeRecord
from compliance.subjects.services import choose_feed
from host.demo.ranker import train_and_register
from ranking.catalogue.models import Item
from ranking.serving.environment import environment
from ranking.serving.services import go_live
from ranking.training import presets
from tests.compliance.test_door import serve_on
from tests.conftest import World

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import sys
from pathlib import Path
import django
from django.conf import settings
settings.DATABASES["default"]["NAME"], settings.MODEL_REGISTRY = sys.argv[1], Path(sys.argv[2])
django.setup()
from django.core.management import call_command
call_command("replay", "--last", "1000", "--json")
"""


@pytest.fixture(name="served")
def _served(transactional_db: None, world: World) -> int:
    """Slates of two people with every order on both surfaces, under three models; how many models."""
    config = replace(presets.movielens(), epochs=1)
    third = train_and_register(world.source.dataset, config, seed=3).sha256
    models = {world.model_sha256, world.other_model_sha256, third}
    anchor = Item.objects.filter(suitable_from="child").order_by("id")[0].id
    for model in sorted(models):
        go_live(service=world.service, sha256=model)
        for name in ("alex", "sam"):
            for surface in ("home", "related"):
                for mode in ("personalised", "newest", "popular"):
                    choose_feed(subject=world.subject(name), surface=surface, feed_mode=mode)
                    serve_on(world.subject(name), surface, anchor=anchor if surface == "related" else None)
    return len(models)


def replayed_elsewhere(**variables: str) -> dict[str, Any]:
    """What `manage.py replay` says in a new process."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", SCRIPT, connection.settings_dict["NAME"], str(django_settings.MODEL_REGISTRY)],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "host.settings.test",
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}",
            "OMP_NUM_THREADS": "1",
            **variables,
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_slates_over_three_models_replay_after_a_restart_and_on_other_kernels(served: int) -> None:
    total = ServeRecord.objects.count()
    scored = ServeRecord.objects.exclude(model_sha256=None)
    assert scored.values("model_sha256").distinct().count() == served == 3
    same = replayed_elsewhere()
    assert same["grades"] == {"R2": total}
    assert same["identical"] == total
    without_vectors = environment()["cpu_capability"] == "DEFAULT"
    other = replayed_elsewhere(ATEN_CPU_CAPABILITY="avx2" if without_vectors else "default")
    assert other["environment_differs"] == {"cpu_capability": total}
    assert other["grades"] == {"R3": scored.count(), "R2": total - scored.count()}
    assert float(other["largest_difference"]) <= 1e-5
