"""The page of controls: reachable from every list, one click in and one out, in words, without JavaScript."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import quote

import pytest
from django.test import Client

from compliance.subjects import offered
from compliance.subjects.models import Control, FeedChoice, HiddenItem
from compliance.subjects.services import hide_item
from ranking.catalogue.models import Creator, Follow, Item
from tests.compliance.controls.made import peopled
from tests.conftest import World


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """What a catalogue offers is looked up afresh."""
    offered.forget()


@pytest.fixture
def creators(world: World) -> list[Creator]:
    return peopled(world)


@pytest.fixture
def alex(world: World, client: Client, creators: list[Creator]) -> Client:
    client.force_login(world.user("alex"))
    return client


def html_of(client: Client) -> str:
    return client.get("/controls/").content.decode()


def buttons(html: str) -> dict[str, str]:
    """What each button of the page sends, by its id."""
    found = re.findall(r'<button [^>]*name="set" value="([^"]*)" id="([^"]*)"', html)
    return {name: unescape(sent) for sent, name in found}


def pressed(html: str) -> set[str]:
    return set(re.findall(r'id="([^"]*)" aria-pressed="true"', html))


def press(client: Client, sent: str, **more: str) -> str:
    response = client.post("/controls/change/", {"set": sent, **more}, follow=True)
    assert response.status_code == 200, response.content.decode()
    return response.content.decode()


def test_every_list_leads_to_the_controls(alex: Client) -> None:
    item = Item.objects.order_by("id")[10].pk
    for address in ("/", f"/items/{item}/"):
        assert 'href="/controls/"' in alex.get(address).content.decode()
    for mode in ("following", "topics"):  # an empty list says why, and what to do
        alex.post("/order/", {"surface": "home", "feed_mode": mode})
        html = alex.get("/").content.decode()
        assert "You follow no" in html
        assert 'href="/controls/#' in html


def test_every_control_is_one_press_in_and_one_press_out(alex: Client, world: World) -> None:
    """What is set with one press is taken back with one, from the same page, by a button as prominent (D25)."""
    start = html_of(alex)
    held = pressed(start)
    tried = 0
    for name, sent in buttons(start).items():
        if (
            name in held
            or name == "keyword-mute"
            or (sent.startswith(("feed_mode|", "topic|")) and "Drama" not in sent)
        ):
            continue
        changed = press(alex, sent)
        kind, target, _ = sent.split("|")
        same = [one for one in buttons(changed) if one.startswith(name.rsplit("-", 1)[0])]
        back = next(one for one in same if one in pressed(start)) if set(same) & held else name
        again = press(alex, buttons(changed)[back])
        assert pressed(again) == held, (kind, target)
        tried += 1
    assert tried >= 12
    assert not Control.objects.exists()
    assert not Follow.objects.filter(subject_id=world.subject("alex").id).exists()


@pytest.mark.parametrize("mode", ["newest", "popular", "following", "topics", "explore"])
def test_every_order_is_one_press_away_and_one_press_back_on_both_surfaces(alex: Client, mode: str) -> None:
    for surface in ("home", "related"):
        press(alex, buttons(html_of(alex))["feed_mode-related-personalised"])
        into, out = f"feed_mode-{surface}-{mode}", f"feed_mode-{surface}-personalised"
        assert into in pressed(press(alex, buttons(html_of(alex))[into]))
        assert out in pressed(press(alex, buttons(html_of(alex))[out]))
    assert set(FeedChoice.objects.values_list("feed_mode", flat=True)) == {"personalised"}


def test_a_word_is_muted_and_unmuted(alex: Client) -> None:
    html = press(alex, "keyword||mute", word=" World  Cup ", section="words")
    assert Control.objects.get().target == "world cup"
    undo = next(sent for name, sent in buttons(html).items() if name.startswith("keyword-") and name.endswith("-undo"))
    press(alex, undo)
    assert not Control.objects.exists()


def test_a_word_that_says_nothing_is_refused_with_a_sentence(alex: Client) -> None:
    refused = alex.post("/controls/change/", {"set": "keyword||mute", "word": "((", "section": "words"})
    assert refused.status_code == 422
    assert "A muted word has" in refused.content.decode()
    assert not Control.objects.exists()


@pytest.mark.parametrize("sent", ["", "topic", "topic|Drama", "|", "nothing|x|y", "signal|device|off", "hidden_item|x|",
                                  "feed_mode|nowhere|newest", "topic|No such|mute", "follow_creator|0|on"])  # fmt: skip
def test_what_the_page_never_sends_is_refused(alex: Client, sent: str) -> None:
    assert alex.post("/controls/change/", {"set": sent}).status_code in {400, 422}
    assert not Control.objects.exists()


def test_an_order_that_a_rule_forbids_is_shown_with_its_rule_and_refused(world: World, client: Client) -> None:
    client.force_login(world.user("kim"))
    html = html_of(client)
    assert re.search(r'id="feed_mode-home-personalised"[^>]* disabled', html)
    assert client.post("/controls/change/", {"set": "feed_mode|home|personalised"}).status_code == 409


def test_what_nothing_answers_is_no_switch_and_the_page_says_so(alex: Client, world: World) -> None:
    html = html_of(alex)
    assert "No list here reads what device you use" in html
    assert "signal-device" not in html
    assert "objective-less_politics" not in html
    assert "Less politics" in html
    assert "objective-shorter-3" in html
    Item.objects.filter(id=Item.objects.order_by("id")[0].pk).update(topics=["Politics"])
    offered.forget()
    assert "objective-less_politics-3" in html_of(alex)


def test_a_film_leads_to_its_creator(alex: Client, world: World, creators: list[Creator]) -> None:
    item = Item.objects.filter(creator=creators[3]).order_by("id")[0]
    html = alex.get(f"/items/{item.pk}/").content.decode()
    assert f"By {creators[3].name}" in html
    follow = next(sent for sent in buttons(html).values() if sent == f"follow_creator|{creators[3].pk}|on")
    back = alex.post("/controls/change/", {"set": follow, "anchor": str(item.pk), "section": "creators"})
    assert back["Location"] == f"/items/{item.pk}/"
    assert Follow.objects.get(subject_id=world.subject("alex").id).creator == creators[3]
    assert creators[3].name in html_of(alex)


def test_a_hidden_film_is_shown_again_from_the_page(alex: Client, world: World) -> None:
    item = Item.objects.order_by("id")[5]
    hide_item(subject=world.subject("alex"), item_id=item.pk)
    html = html_of(alex)
    assert item.title in html
    press(alex, f"hidden_item|{item.pk}|", section="hidden")
    assert not HiddenItem.objects.exists()


def test_starting_again_is_said_and_done(alex: Client, world: World) -> None:
    before = world.subject("alex").pseudonym
    record = re.search(r"/api/v1/serves/([0-9a-f-]{36})", alex.get("/").content.decode())
    assert record is not None
    assert "cannot be taken back" in html_of(alex)
    html = alex.post("/controls/start-again/", {}, follow=True).content.decode()
    assert "You started again" in html
    assert world.subject("alex").pseudonym != before
    assert alex.get(f"/api/v1/serves/{record[1]}").status_code == 404


def test_others_and_outsiders_change_nothing_of_mine(alex: Client, world: World, creators: list[Creator]) -> None:
    press(alex, "topic|Drama|mute")
    other = Client()
    other.force_login(world.user("gale"))
    assert "topic|Drama|mute" in buttons(html_of(other)).values()
    press(other, "topic|Drama|")
    assert Control.objects.get().subject == world.subject("alex")
    outsider = Client()
    for answer in (outsider.get("/controls/"), outsider.post("/controls/change/", {"set": "topic|Drama|"})):
        assert answer["Location"].startswith(f"/accounts/login/?next={quote('/')}")
    assert Control.objects.count() == 1


def test_a_change_without_its_token_is_refused(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.user("alex"))
    assert client.post("/controls/change/", {"set": "pause||on"}).status_code == 403
    assert client.post("/controls/start-again/", {}).status_code == 403


def test_buttons_have_ids_of_their_own(alex: Client) -> None:
    ids = re.findall(r' id="([^"]+)"', html_of(alex))
    assert len(ids) == len(set(ids))
    assert not [name for name in ids if " " in name]


def test_a_child_reads_no_title_of_what_is_not_for_children_by_hiding_it(world: World, client: Client) -> None:
    kim, grown = world.user("kim"), Item.objects.filter(suitable_from="adult").order_by("id")[0]
    Item.objects.filter(pk=grown.pk).update(title="Nothing For Children")
    client.force_login(kim)
    assert client.post("/controls/change/", {"set": f"hidden_item|{grown.pk}|on"}).status_code == 422
    HiddenItem.objects.create(subject=kim.subject, item=grown)  # hidden before they were known to be a child
    assert "Nothing For Children" not in html_of(client)
    assert client.get("/api/v1/controls").json()["hidden_items"] == []


def test_so_many_films_are_hidden_and_no_more(alex: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("host.dashboard.controls_services.MOST_HIDDEN", 2)
    first, second, third = Item.objects.order_by("id").values_list("id", flat=True)[:3]
    answers = [
        alex.post("/controls/change/", {"set": f"hidden_item|{item}|on"}).status_code
        for item in (first, second, second, third)
    ]
    assert answers == [302, 302, 302, 422]
