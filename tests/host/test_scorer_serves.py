"""With a scorer's process behind it the door serves the very same scores, and withdrawing consent reaches it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone

from compliance.audit.models import ServeRecord
from compliance.audit.selectors import document_of
from compliance.serving.door import serve
from compliance.serving.replay import Replayer
from compliance.serving.types import Context
from compliance.subjects.models import Subject
from ranking.serving import scorer as seam
from ranking.serving.environment import environment
from ranking.serving.local import scorer_of, user_states
from ranking.serving.process.remote import RemoteScoring
from tests import scorer_process
from tests.compliance.replayed import committed_anew
from tests.conftest import World


@pytest.fixture(scope="module")
def address(trained_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a scorer's process over the world's models."""
    address = tmp_path_factory.mktemp("scorer") / "s" / "scorer.sock"
    with scorer_process.running(address, django_settings.MODEL_REGISTRY):
        yield address


@pytest.fixture
def scoring(address: Path, settings: Any) -> Iterator[RemoteScoring]:
    """Scoring, in that process."""
    settings.SCORER, settings.SCORER_PATIENCE_MS = f"unix:{address}", 20_000
    scoring = seam.scoring()
    assert isinstance(scoring, RemoteScoring)
    yield scoring
    scoring.client.close()


def record_of(subject: Subject) -> ServeRecord:
    """The record of one new list."""
    slate = serve(subject=subject, context=Context(surface="home", now=timezone.now()))
    return ServeRecord.objects.get(id=slate.serve_id)


def test_a_list_scored_in_the_process_is_on_record_as_such_and_replays_in_process_to_the_same_bytes(
    world: World, scoring: RemoteScoring
) -> None:
    before = scoring.counts()["done"]
    held = user_states().stats()
    record = record_of(world.subject("alex"))
    outcome = Replayer().replay(record)
    assert outcome.identical, [str(one) for one in outcome.differences]
    assert outcome.environment_differs == ()
    document = document_of(record)
    layers = scorer_of(world.model_sha256).loaded.config.ranker.layers
    assert (document["depth"], document["environment"]) == (layers, environment())
    assert scoring.counts()["done"] > before
    assert user_states().stats() == held  # nobody was encoded here


def test_a_depth_that_was_not_run_does_not_replay(world: World, scoring: RemoteScoring) -> None:
    record = record_of(world.subject("alex"))
    document = document_of(record)
    committed_anew(record, {**document, "depth": 99})
    assert [one.what for one in Replayer().replay(record).differences] == ["depth"]
    del document["depth"]  # as records of earlier releases
    committed_anew(record, document)
    assert Replayer().replay(record).identical


def test_withdrawing_consent_makes_the_process_forget_once_it_is_committed(
    world: World, scoring: RemoteScoring, django_capture_on_commit_callbacks: Any
) -> None:
    client = Client()
    client.force_login(world.user("alex"))
    record_of(world.subject("alex"))
    assert document_of(record_of(world.subject("alex")))["cache_state"] == "hit"
    held = scoring.counts()["cache_entries"]
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/account/consent/", {"granted": "no"})
        assert scoring.counts()["cache_entries"] == held
    assert scoring.counts()["cache_entries"] < held
    client.post("/account/consent/", {"granted": "yes"})
    assert document_of(record_of(world.subject("alex")))["cache_state"] == "miss"


def test_withdrawing_consent_makes_this_process_forget_where_it_scores_itself(
    world: World, django_capture_on_commit_callbacks: Any
) -> None:
    alex, client = world.subject("alex"), Client()
    client.force_login(world.user("alex"))
    record_of(alex)
    held = user_states().stats().entries
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/account/consent/", {"granted": "no"})
    assert user_states().stats().entries < held


def test_a_scorer_that_answers_is_ready_and_shows_its_counters(
    world: World, client: Client, scoring: RemoteScoring
) -> None:
    assert client.get("/readyz").json() == {"status": "ready"}
    record_of(world.subject("alex"))
    page = client.get("/metrics").content.decode()
    assert "clerestory_scorer_up 1.0" in page
    assert "clerestory_scorer_done_total" in page
    assert "clerestory_scorer_waiting 0.0" in page


def test_another_model_is_loaded_before_it_goes_live(world: World, scoring: RemoteScoring) -> None:
    from ranking.serving.services import go_live

    go_live(service=world.service, sha256=world.other_model_sha256)
    record = record_of(world.subject("alex"))
    assert record.model == world.other_model_sha256
    assert Replayer().replay(record).identical
