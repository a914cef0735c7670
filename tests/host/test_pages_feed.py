"""The feed page: who may see it, its order switch, its reactions, and what it says about itself."""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from compliance.audit.models import ServeRecord
from compliance.subjects.models import FeedChoice, HiddenItem
from ranking.catalogue.models import Event
from ranking.data.schema import Action
from tests.conftest import World


def card_ids(html: str) -> list[int]:
    """Return the items of the list in a page, in order."""
    return [int(found) for found in re.findall(r'<article class="card" id="item-(\d+)"', html)]


def field(html: str, name: str) -> str:
    """Return the value of the first hidden field of that name."""
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found is not None
    return found[1]


@pytest.fixture
def alex(world: World, client: Client) -> Client:
    client.force_login(world.user("alex"))
    return client


def react(client: Client, html: str, item: int, reaction: str, **headers: str) -> Any:
    data = {
        "reaction": reaction,
        "surface": "home",
        "once": field(html, "once"),
        "serve": field(html, "serve"),
    }
    return client.post(f"/items/{item}/react/", data, headers=headers)


def test_signed_out_people_get_a_landing_page_and_no_slate(world: World, client: Client) -> None:
    html = client.get("/").content.decode()
    assert "Nothing is recommended except in daylight" in html
    assert card_ids(html) == []
    assert not ServeRecord.objects.exists()


def test_the_feed_shows_the_recorded_slate_in_its_order(alex: Client) -> None:
    html = alex.get("/").content.decode()
    record = ServeRecord.objects.get()
    assert record.surface == "home"
    assert str(record.id) in html
    assert len(card_ids(html)) == 12
    assert "Personalised: ordered by what you did here" in html
    assert record.model in html


def test_a_key_in_the_address_shows_the_same_slate_and_records_nothing_new(alex: Client) -> None:
    once = uuid.uuid4().hex
    first, second = (card_ids(alex.get(f"/?list={once}").content.decode()) for _ in range(2))
    assert first == second
    assert ServeRecord.objects.count() == 1


def test_a_key_that_the_page_did_not_make_is_not_used(alex: Client) -> None:
    alex.get("/?list=../../etc")
    alex.get("/?list=../../etc")
    assert ServeRecord.objects.count() == 2


def test_the_switch_works_without_javascript_and_says_the_order_in_words(alex: Client) -> None:
    response = alex.post("/order/", {"surface": "home", "feed_mode": "newest"}, follow=True)
    html = response.content.decode()
    assert response.redirect_chain == [("/", 302)]
    assert "Not personalised: newest first" in html
    assert ServeRecord.objects.get().feed_mode == "newest"


def test_htmx_gets_the_list_alone_and_the_status_line(alex: Client) -> None:
    response = alex.post("/order/", {"surface": "home", "feed_mode": "popular"}, headers={"HX-Request": "true"})
    html = response.content.decode()
    assert html.lstrip().startswith('<section id="list"')
    assert 'hx-swap-oob="innerHTML"' in html
    assert "data-focus" in html
    assert "HX-Request" in response["Vary"]


def test_a_choice_survives_sign_out_another_browser_and_the_other_surface(world: World, alex: Client) -> None:
    alex.post("/order/", {"surface": "home", "feed_mode": "newest"})
    alex.post("/accounts/logout/")
    other = Client()
    other.force_login(world.user("alex"))
    html = other.get("/").content.decode()
    assert "Not personalised: newest first" in html
    item = card_ids(html)[0]
    assert "Not personalised: newest first" in other.get(f"/items/{item}/").content.decode()


def test_a_mode_that_is_not_offered_is_shown_with_its_rule_and_refused(world: World, client: Client) -> None:
    client.force_login(world.user("kim"))
    html = client.get("/").content.decode()
    assert re.search(r'value="personalised"[^>]* disabled', html)
    assert "For children, lists are not personalised" in html
    assert "DSA Art. 28(1); GDPR Art. 8" in html
    refused = client.post("/order/", {"surface": "home", "feed_mode": "personalised"})
    assert refused.status_code == 409
    assert "baseline.child" in refused.content.decode()
    assert not FeedChoice.objects.exists()


@pytest.mark.parametrize("data", [{}, {"surface": "home"}, {"surface": "x", "feed_mode": "newest"},
                                  {"surface": "related", "feed_mode": "newest"},
                                  {"surface": "home", "feed_mode": "newest", "anchor": "7"}])  # fmt: skip
def test_a_malformed_choice_is_refused_in_words(alex: Client, data: dict[str, str]) -> None:
    response = alex.post("/order/", data)
    assert response.status_code == 400
    assert "data-sentence" in response.content.decode()


def test_a_like_is_recorded_once_however_often_it_is_pressed(alex: Client, world: World) -> None:
    html = alex.get("/").content.decode()
    item = card_ids(html)[0]
    for _ in range(2):
        assert react(alex, html, item, "like").status_code == 302
    event = Event.objects.get(subject_id=world.subject("alex").id, item_id=item, action=Action.LIKE)
    assert event.serve_id == ServeRecord.objects.get().id


def test_without_javascript_a_reaction_comes_back_to_the_very_same_list(alex: Client) -> None:
    html = alex.get("/").content.decode()
    response = alex.get(react(alex, html, card_ids(html)[3], "like")["Location"])
    again = response.content.decode()
    assert card_ids(again) == card_ids(html)
    assert "You liked" in again
    assert "<span>Liked</span>" in again


def test_the_next_personalised_feed_leaves_out_what_was_liked_or_hidden(alex: Client) -> None:
    html = alex.get("/").content.decode()
    liked, hidden = card_ids(html)[:2]
    react(alex, html, liked, "like")
    react(alex, html, hidden, "not_interested")
    assert not {liked, hidden} & set(card_ids(alex.get("/").content.decode()))


def test_a_hidden_film_stays_hidden_in_every_order_until_undone(alex: Client, world: World) -> None:
    alex.post("/order/", {"surface": "home", "feed_mode": "popular"})
    html = alex.get("/").content.decode()
    item = card_ids(html)[0]
    swapped = react(alex, html, item, "not_interested", **{"HX-Request": "true"}).content.decode()
    assert "Hidden from your lists" in swapped
    assert "Undo" in swapped
    assert item not in card_ids(alex.get("/").content.decode())
    place = {"surface": "home", "once": field(html, "once")}
    alex.post(f"/items/{item}/show-again/", place)
    assert not HiddenItem.objects.exists()
    assert item in card_ids(alex.get("/").content.decode())


def test_a_foreign_serve_id_is_not_kept_with_a_reaction(alex: Client, world: World) -> None:
    other = Client()
    other.force_login(world.user("gale"))
    foreign = field(other.get("/").content.decode(), "serve")
    html = alex.get("/").content.decode()
    item = card_ids(html)[0]
    alex.post(
        f"/items/{item}/react/",
        {"reaction": "like", "surface": "home", "once": field(html, "once"), "serve": foreign},
    )
    assert Event.objects.get(item_id=item, action=Action.LIKE, surface="home").serve_id is None


def test_signed_out_reactions_lead_to_the_sign_in_page(world: World, client: Client) -> None:
    response = client.post("/items/1/react/", {"reaction": "like"})
    assert response["Location"].startswith("/accounts/login/")
    swapped = client.post("/items/1/react/", {"reaction": "like"}, headers={"HX-Request": "true"})
    assert swapped["HX-Redirect"].startswith("/accounts/login/")


def test_a_form_without_its_token_is_refused_with_a_page(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.user("alex"))
    response = client.post("/order/", {"surface": "home", "feed_mode": "newest"})
    assert response.status_code == 403
    assert "Reload it and try again" in response.content.decode()


def test_the_feed_is_kept_out_of_caches(alex: Client) -> None:
    assert "no-store" in alex.get("/")["Cache-Control"]


def test_the_page_asks_the_database_a_bounded_number_of_questions(
    alex: Client, django_assert_max_num_queries: Any
) -> None:
    alex.get("/")
    # Some of them (the key, the items, the policy on record) are asked again only inside a test's transaction.
    for mode, most in (("personalised", 30), ("newest", 22), ("popular", 22)):
        alex.post("/order/", {"surface": "home", "feed_mode": mode})
        with django_assert_max_num_queries(most):
            alex.get("/")


def test_a_database_that_cannot_record_serves_nothing(alex: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    from compliance.serving import door

    def full_disk(*_: object, **__: object) -> None:
        raise OperationalError("No space left on device")

    monkeypatch.setattr(door, "record", full_disk)
    response = alex.get("/")
    html = response.content.decode()
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert "must be on record first" in html
    assert card_ids(html) == []


@pytest.mark.parametrize(
    ("method", "address", "allowed"),
    [
        ("get", "/order/", "POST"),
        ("post", "/", "GET, HEAD"),
        ("delete", "/account/", "GET, HEAD"),
        ("get", "/account/consent/", "POST"),
    ],
)
def test_a_method_that_an_address_does_not_take_is_refused_with_a_sentence(
    world: World, client: Client, method: str, address: str, allowed: str
) -> None:
    client.force_login(world.user("alex"))
    response = getattr(client, method)(address)
    assert response.status_code == 405
    assert response["Allow"] == allowed
    assert "data-sentence" in response.content.decode()


def test_a_request_without_an_answer_does_not_claim_that_nothing_happened() -> None:
    script = Path(finders.find("clerestory/app.js") or "").read_text(encoding="utf-8")
    assert "nothing was changed" not in script
    assert "cannot tell whether it was done" in script
