"""While the scorer's process is away or overloaded: 503 with a sentence, no record; other orders go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from compliance.audit.models import ServeRecord
from compliance.subjects.services import choose_feed
from ranking.serving import scorer as seam
from ranking.serving.process.frames import Frame, Kind, encode
from ranking.serving.process.remote import RemoteScoring
from ranking.serving.services import forget_person
from tests.conftest import World
from tests.scorer_process import impostor

OVERLOADED = encode(Frame(kind=Kind.REFUSED, fields={"code": "overloaded", "sentence": ""}))
NO_MODEL = encode(Frame(kind=Kind.REFUSED, fields={"code": "no_model", "sentence": "Its weights are damaged."}))


@pytest.fixture
def address(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """Where the scorer should listen, and nobody does."""
    address = tmp_path / "s" / "scorer.sock"
    settings.SCORER = f"unix:{address}"
    yield address
    scoring = seam.scoring()
    assert isinstance(scoring, RemoteScoring)
    scoring.client.close()
    seam._unusable.clear()


@pytest.fixture
def alex(world: World) -> Client:
    client = Client()
    client.force_login(world.user("alex"))
    return client


def ask(client: Client) -> Any:
    """One list, from the API."""
    return client.post("/api/v1/feed", {"surface": "home"}, content_type="application/json")


def test_without_the_scorer_the_api_answers_503_and_nothing_is_on_record(
    world: World, alex: Client, address: Path
) -> None:
    response = ask(alex)
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "ranks personalised lists does not answer" in response.json()["message"]
    assert not ServeRecord.objects.exists()


def test_without_the_scorer_the_feed_is_a_page_that_says_so(alex: Client, address: Path) -> None:
    for headers in ({}, {"HX-Request": "true"}):
        response = alex.get("/", headers=headers)
        assert (response.status_code, response["Retry-After"]) == (503, "5")
        assert "choose another order" in response.content.decode()
    assert not ServeRecord.objects.exists()


def test_the_page_offers_the_orders_that_need_no_scorer_and_they_work(alex: Client, address: Path) -> None:
    page = alex.get("/").content.decode()
    assert [f'value="{mode}"' in page for mode in ("newest", "popular", "personalised")] == [True, True, False]
    response = alex.post("/order/", {"surface": "home", "feed_mode": "newest"}, follow=True)
    assert response.status_code == 200
    assert "newest first" in response.content.decode()


def test_an_overloaded_scorer_is_a_503_with_a_sentence_of_its_own(alex: Client, address: Path) -> None:
    with impostor(address, OVERLOADED):
        response, page = ask(alex), alex.get("/")
    assert (response.status_code, response["Retry-After"]) == (503, "2")
    assert "More lists are asked for" in response.json()["message"]
    assert (page.status_code, page["Retry-After"]) == (503, "2")
    assert "More lists are asked for" in page.content.decode()
    assert not ServeRecord.objects.exists()


def test_lists_that_are_not_scored_go_on_without_the_scorer(world: World, alex: Client, address: Path) -> None:
    choose_feed(subject=world.subject("alex"), surface="home", feed_mode="newest")
    response = ask(alex)
    assert (response.status_code, response.json()["feed_mode"]) == (200, "newest")


def test_a_list_that_was_served_before_is_answered_again_without_the_scorer(
    world: World, alex: Client, settings: Any, address: Path
) -> None:
    key = {"Idempotency-Key": "again"}
    here, settings.SCORER = settings.SCORER, "local"
    first = alex.post("/api/v1/feed", {"surface": "home"}, content_type="application/json", headers=key).json()
    settings.SCORER = here
    again = alex.post("/api/v1/feed", {"surface": "home"}, content_type="application/json", headers=key).json()
    assert again == {**first, "replayed": True}


def test_a_model_that_the_scorer_cannot_load_is_as_good_as_none_from_then_on(alex: Client, address: Path) -> None:
    with impostor(address, NO_MODEL):
        assert ask(alex).status_code == 503
        assert ask(alex).json()["feed_mode"] == "popular"
    assert seam.live_model() == (None, "Its weights are damaged.")


def test_readyz_names_the_scorer_that_does_not_answer(world: World, client: Client, address: Path) -> None:
    response = client.get("/readyz")
    assert response.status_code == 503
    assert list(response.json()["missing"]) == ["scorer"]
    assert "manage.py scorer" in response.json()["missing"]["scorer"]


@pytest.mark.django_db
def test_metrics_say_that_the_scorer_is_down(client: Client, address: Path) -> None:
    page = client.get("/metrics").content.decode()
    assert "clerestory_scorer_up 0.0" in page
    assert "clerestory_scorer_done" not in page


@pytest.mark.django_db
def test_metrics_say_nothing_of_a_scorer_where_every_process_scores(client: Client) -> None:
    assert "clerestory_scorer" not in client.get("/metrics").content.decode()


def test_forgetting_does_not_fail_because_the_scorer_is_away(
    world: World, address: Path, caplog: pytest.LogCaptureFixture
) -> None:
    alex = world.subject("alex")
    assert forget_person(service=alex.service, pseudonym=alex.pseudonym) == 0
    assert "did not forget" in caplog.text
    assert str(alex.pseudonym) not in caplog.text
