"""The question under a list, on the page and in the API: owner, other, outsider; one press in, one press out."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from compliance.subjects.models import Control
from compliance.surveys.models import Question, StatedPreference
from ranking.catalogue.models import Item
from tests.conftest import World
from tests.host.test_api_feed import feed, is_refusal, signed_in
from tests.host.test_pages_feed import field


@pytest.fixture(autouse=True)
def always(settings: Any) -> None:
    settings.SURVEY_SHARE = 1.0


@pytest.mark.parametrize("question", Question.values)
def test_an_answer_is_one_press_and_so_is_taking_it_back(world: World, client: Client, question: str) -> None:
    client.force_login(world.user("alex"))
    html = client.get("/").content.decode()
    held = StatedPreference.objects.get()
    topic = "Drama" if question == "topic" else ""
    item = Item.objects.order_by("id")[0] if question == "item" else None
    StatedPreference.objects.update(question=question, topic=topic, item=item)
    place = {"serve": str(held.serve_id), "once": field(html, "once")}
    answered = client.post("/survey/", {**place, "answer": "4"}, follow=True).content.decode()
    assert "your answer is stored" in answered
    assert re.search(r'value="4" id="survey-4" aria-pressed="true"', answered)
    assert f'name="serve" value="{held.serve_id}"' in answered
    assert StatedPreference.objects.get().answer == 4
    client.post("/survey/", {**place, "answer": "none"})
    assert StatedPreference.objects.get().answer is None
    assert not Control.objects.exists()
    assert 'id="survey"' not in client.get("/").content.decode()  # the next list asks nothing again


@pytest.mark.parametrize("answer", ["", "0", "6", "x"])
def test_what_is_no_answer_is_refused(world: World, client: Client, answer: str) -> None:
    client.force_login(world.user("alex"))
    html = client.get("/").content.decode()
    place = {"serve": field(html, "serve"), "once": field(html, "once")}
    assert client.post("/survey/", {**place, "answer": answer}).status_code == 400
    assert StatedPreference.objects.get().answer is None


def test_minors_are_not_asked_and_others_answer_nothing(world: World, client: Client) -> None:
    client.force_login(world.user("kim"))
    assert 'id="survey"' not in client.get("/").content.decode()
    serve = feed(signed_in(world, "alex"))["serve_id"]
    assert signed_in(world, "alex").get(f"/api/v1/serves/{serve}/survey").status_code == 200
    is_refusal(signed_in(world, "gale").get(f"/api/v1/serves/{serve}/survey"), 404)
    is_refusal(Client().get(f"/api/v1/serves/{serve}/survey"), 401)
    body = {"answer": 5}
    for name, status in (("gale", 404), ("alex", 200)):
        answered = signed_in(world, name).put(f"/api/v1/serves/{serve}/survey", body, content_type="application/json")
        assert answered.status_code == status
    assert StatedPreference.objects.get().answer == 5
    wrong = {"answer": 6}
    is_refusal(
        signed_in(world, "alex").put(f"/api/v1/serves/{serve}/survey", wrong, content_type="application/json"), 400
    )
