"""Fixtures every room shares: a made-up world with a really trained ranker, and its people."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from compliance.audit.keys.services import forget_all
from compliance.audit.storage.items import known
from compliance.policy import in_force
from compliance.policy.facts import active_policies
from host.demo import world as demo_world
from host.demo.people import PASSWORD, make_accounts
from host.demo.ranker import train_and_register
from ranking.data import movielens
from ranking.data.catalogue import read_films, read_people
from ranking.serving.services import go_live
from ranking.training import presets
from tests import made_world

# The browser's driver comes with requirements-dev.txt: `make test` does without it.
collect_ignore = [] if find_spec("playwright") else ["browser"]


@dataclass(frozen=True, kw_only=True)
class World:
    """What tests know about the world: its source, its live model and how to sign in."""

    source: demo_world.Source
    model_sha256: str
    other_model_sha256: str
    service: str
    password: str = PASSWORD

    def user(self, name: str) -> Any:
        """The account of one of the demo's people."""
        from host.accounts.models import User

        return User.objects.select_related("subject").get(email=f"{name}@demo.example")

    def subject(self, name: str) -> Any:
        """The subject behind an account."""
        return self.user(name).subject


@pytest.fixture(scope="session")
def trained_world() -> Iterator[World]:
    """Train two rankers on the made-up data, once per test process."""
    with tempfile.TemporaryDirectory() as scratch:
        django_settings.MODEL_REGISTRY = Path(scratch) / "models"
        folder = made_world.write(Path(scratch) / "ml")
        dataset, _ = demo_world.moved_to_now(movielens.load(folder), timezone.now())
        source = demo_world.Source(dataset=dataset, films=tuple(read_films(folder)), people=tuple(read_people(folder)))
        config = replace(presets.movielens(), epochs=4)
        first, second = (train_and_register(dataset, config, seed=seed).sha256 for seed in (1, 2))
        yield World(source=source, model_sha256=first, other_model_sha256=second, service=django_settings.SERVICE)


@pytest.fixture(scope="session")
def loaded_world(trained_world: World, django_db_setup: None, django_db_blocker: Any) -> World:
    """Load the world into the test database before the first test that needs it."""
    with django_db_blocker.unblock():
        _load(trained_world)
    return trained_world


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """Forget what this process knows of the database: tests roll it back or empty it behind its back."""
    forget_all()
    known.forget()
    in_force.forget()


@pytest.fixture
def world(loaded_world: World, db: None) -> World:
    """The world, loaded again if a transactional test has emptied the database."""
    from ranking.catalogue.models import Item

    if not Item.objects.exists():
        _load(loaded_world)
    go_live_again(loaded_world.model_sha256)
    return loaded_world


def go_live_again(sha256: str) -> None:
    """Point `live` at a model without touching the database: tests may have promoted another."""
    from ranking.serving.scorer import registry

    if registry().live() != sha256:
        registry().promote(sha256)


def _load(world: World) -> None:
    demo_world.load(service=world.service, source=world.source)
    make_accounts(service=world.service, source=world.source)
    go_live(service=world.service, sha256=world.model_sha256)
    in_force.put_on_record(active_policies(), service=world.service, now=timezone.now())
