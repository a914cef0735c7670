"""The moderators' pages about items: the queue, what they found, decisions; for moderators alone, and not their own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compliance.labels.models import Label
from compliance.labels.selectors import awaiting_a_person
from compliance.labels.services import label_from_catalogue, read_all
from compliance.statements.complaints import complain
from compliance.statements.models import Complaint, Decision, Delivery, Reversal, Statement
from compliance.statements.services import link_creator
from host.accounts.models import User
from host.outbox.models import OutboxEntry
from ranking.catalogue.models import Item
from tests.conftest import World
from tests.host.statement_people import People, people

QUEUE, WHY = "/moderation/items/", "I watched it to its end"
STRANGERS = {"nobody": 302, "alex": 403, "sam": 403, "rhea": 403, "ada": 403}
DECISION = {
    "kind": "demoted",
    "amount": "100",
    "rule": "terms.misleading",
    "facts": "The title promises an ending that the film does not have; it stops at minute 80.",
    "ground": "incompatible",
    "ground_reference": "Terms, section 4.2",
    "ground_explanation": "A title must not promise what the film does not show.",
    "category": "SCAMS_AND_FRAUD",
    "keywords": ["INAUTHENTIC_LISTINGS"],
    "led_to_by": "own_initiative",
    "content_types": ["VIDEO"],
    "territories": "EU GB",
    "tiers": ["adult"],
    "ends_on": "2037-01-31",
}


@pytest.fixture(name="they")
def _they(world: World, settings: Any, tmp_path: Path) -> People:
    settings.MEDIA_ROOT = tmp_path
    they = people(world)
    film = Item.objects.create(
        service=world.service,
        external_id="walk",
        title="Прогулка в парке",
        facts={"description": "<b>жирный</b>"},
        published_at=they.item.published_at,
        creator=they.item.creator,
    )
    label_from_catalogue(
        service=world.service, certificates={film.pk: ("mpaa", "G")}, genres={}, by="import", why="a test"
    )
    read_all(service=world.service, budget_s=60)
    return replace(they, item=film)


def page(they: People) -> str:
    return f"{QUEUE}{they.item.pk}/"


def said(they: People, verdict: str, who: str = "nils", why: str = WHY) -> Any:
    return they.clients[who].post(f"{page(they)}label/", {"verdict": verdict, "why": why}, follow=True)


def standing(they: People, rule: str) -> list[Decision]:
    return list(Decision.objects.filter(item=they.item, rule=rule, reversal=None))


def suitable(they: People) -> str:
    return Item.objects.get(pk=they.item.pk).suitable_from


def test_the_queue_and_an_item_are_for_moderators(they: People) -> None:
    for address in (QUEUE, page(they), f"{page(they)}decide/"):
        assert they.statuses("get", address) == {**STRANGERS, "mona": 200, "nils": 200}, address
    html = they.clients["nils"].get(QUEUE).content.decode()
    assert f'href="{page(they)}"' in html
    assert f'href="{QUEUE}"' in they.clients["nils"].get("/moderation/").content.decode()
    html = they.clients["nils"].get(page(they)).content.decode()
    for words in ("could not tell", "terms.not-read-yet", "catalogue certificate mpaa", "&lt;b&gt;жирный&lt;/b&gt;"):
        assert words in html


def test_any_item_is_found_by_its_number(they: People) -> None:
    nils = they.clients["nils"]
    assert nils.get(QUEUE, {"item": str(they.item.pk)}).headers["Location"] == page(they)
    for unknown in ("0", "999999999999999999999", "x", "²"):
        response = nils.get(QUEUE, {"item": unknown})
        assert (response.status_code, "There is no item" in response.content.decode()) == (404, True)
    assert nils.get(f"{QUEUE}999999999/").status_code == 404


def test_nobody_else_says_what_an_item_is(they: People) -> None:
    data = {"verdict": "clear", "why": WHY}
    for name, status in STRANGERS.items():
        assert they.clients[name].post(f"{page(they)}label/", data).status_code == status, name
        assert they.clients[name].post(f"{page(they)}decide/", DECISION).status_code == status, name
    assert not Label.objects.filter(item=they.item, source="moderator").exists()
    assert not Decision.objects.filter(rule=DECISION["rule"]).exists()


def test_clearing_an_item_frees_it_and_takes_it_from_the_queue(they: People) -> None:
    (held,) = standing(they, "terms.not-read-yet")
    assert Delivery.objects.filter(statement_id=held.pk, subject=they.users["alex"].subject).exists()
    assert "is on record" in said(they, "clear").content.decode()
    assert (suitable(they), standing(they, "terms.not-read-yet")) == ("child", [])
    reversal = Reversal.objects.get(decision=held)
    assert reversal.by.name == f"account {they.users['nils'].pk}"
    assert WHY in reversal.reasons
    assert not awaiting_a_person(service=they.item.service).filter(pk=they.item.pk).exists()
    again = said(they, "clear")
    assert (again.status_code, "nothing to clear" in again.content.decode()) == (409, True)
    assert OutboxEntry.objects.filter(task="export_statements").exists()


def test_an_item_without_an_audience_leaves_the_queue_too_once_somebody_looked(they: People) -> None:
    other = Item.objects.create(
        service=they.item.service, external_id="bare", title="Прогулка", published_at=they.item.published_at
    )
    read_all(service=other.service, budget_s=60)
    assert awaiting_a_person(service=other.service).filter(pk=other.pk).exists()
    they.clients["nils"].post(f"{QUEUE}{other.pk}/label/", {"verdict": "clear", "why": WHY})
    assert not awaiting_a_person(service=other.service).filter(pk=other.pk).exists()


def test_a_finding_and_an_audience_are_stated_by_who_looked(they: People) -> None:
    said(they, "unsafe:violence")
    (decision,) = standing(they, "terms.unsafe-for-minors")
    assert (decision.decided_by.name, decision.automated_decision) == (f"account {they.users['nils'].pk}", "not")
    assert WHY in Statement.objects.get(pk=decision.pk).text
    assert "nothing changed" in said(they, "unsafe:violence").content.decode()
    said(they, "clear")
    said(they, "audience:teen")
    assert standing(they, "terms.unsafe-for-minors") == []
    assert [decision.tiers for decision in standing(they, "terms.audience")] == [["child", "young_teen", "unknown"]]


@pytest.mark.parametrize(
    ("verdict", "why"),
    [("clear", ""), ("clear", " "), ("clear", "x" * 201), ("", WHY), ("unsafe:boring", WHY), ("audience:unsafe", WHY)],
    ids=["no reason", "blank", "long", "no verdict", "no category", "no audience"],
)
def test_a_word_without_a_reason_or_a_meaning_is_refused(they: People, verdict: str, why: str) -> None:
    response = said(they, verdict, why=why)
    assert response.status_code == 400
    assert "Nothing was stored" in response.content.decode()
    assert not Label.objects.filter(item=they.item, source="moderator").exists()


def test_nobody_moderates_their_own_item(they: People, world: World) -> None:
    rhea = world.subject("rhea")
    User.objects.filter(pk=they.users["rhea"].pk).update(subject=None)
    User.objects.filter(pk=they.users["nils"].pk).update(subject=rhea)
    assert they.item.creator is not None
    link_creator(creator=they.item.creator, subject=rhea)
    for address, data in (("label/", {"verdict": "clear", "why": WHY}), ("decide/", DECISION)):
        response = they.clients["nils"].post(f"{page(they)}{address}", data)
        assert (response.status_code, "your own item" in response.content.decode()) == (409, True), address
    assert said(they, "clear", who="mona").status_code == 200


def test_a_decision_is_taken_with_its_statement(they: People) -> None:
    response = they.clients["nils"].post(f"{page(they)}decide/", DECISION, follow=True)
    assert "The decision is taken" in response.content.decode()
    (decision,) = standing(they, "terms.misleading")
    assert (decision.kind, decision.amount, decision.tiers) == ("demoted", 100, ["adult"])
    assert (len(decision.territories), decision.content_types) == (28, ["VIDEO"])
    assert (decision.automated_detection, decision.automated_decision) == (False, "not")
    assert decision.ends_at is not None
    assert decision.ends_at.isoformat().startswith("2037-01-31T23:59:59")
    assert Delivery.objects.filter(statement_id=decision.pk, subject=they.users["alex"].subject).exists()
    again = they.clients["nils"].post(f"{page(they)}decide/", DECISION)
    assert (again.status_code, "one decision, one statement" in again.content.decode()) == (409, True)
    assert "minute 80" in again.content.decode()  # what was typed is still there


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"facts": ""}, 400, "Facts"),
        ({"category": "NONE"}, 400, "Category"),
        ({"amount": ""}, 409, "has an amount"),
        ({"facts": "Too short"}, 409, "fewer than 20"),
        ({"territories": "Narnia"}, 409, "is no territory"),
        ({"rule": "terms.not-read-yet"}, 409, "by their labels alone"),
        ({"ends_on": "2001-01-01"}, 409, "end before it starts"),
    ],
    ids=["no facts", "no category", "no amount", "short", "nowhere", "a label's rule", "past"],
)
def test_a_decision_that_could_not_be_stated_is_refused_in_words(
    they: People, changes: dict[str, str], status: int, words: str
) -> None:
    before = Decision.objects.count()
    response = they.clients["nils"].post(f"{page(they)}decide/", {**DECISION, **changes})
    assert (response.status_code, words in response.content.decode()) == (status, True)
    assert Decision.objects.count() == before


def upheld(they: People, decision: Decision) -> None:
    """Nils upholds a complaint that Alex made about a decision."""
    made = Complaint.objects.get(statement_id=decision.pk)
    data = {"outcome": "upheld", "reasons": "It is a walk in a park, as the creator says."}
    assert they.clients["nils"].post(f"/moderation/{made.id}/close/", data).status_code == 302


def complained(they: People) -> Decision:
    """What holds the item, which Alex has complained about."""
    (held,) = standing(they, "terms.not-read-yet")
    alex: Any = they.users["alex"].subject
    complain(
        statement=Statement.objects.get(pk=held.pk), complainant=alex, text="It is a film about a walk, nothing else."
    )
    return held


def test_an_upheld_complaint_about_a_label_frees_the_item(they: People) -> None:
    held = complained(they)
    assert suitable(they) == ""
    upheld(they, held)
    assert (suitable(they), standing(they, "terms.not-read-yet")) == ("child", [])
    words = Label.objects.filter(item=they.item, source="moderator")
    assert {(word.value, word.by) for word in words} == {("clear", f"account {they.users['nils'].pk}")}


def test_a_complaint_about_an_earlier_text_clears_nothing_of_a_later_one(they: People) -> None:
    held = complained(they)
    Item.objects.filter(pk=they.item.pk).update(title="Другая прогулка")
    read_all(service=they.item.service, budget_s=60)
    upheld(they, held)
    (now,) = standing(they, "terms.not-read-yet")
    assert (now.pk != held.pk, suitable(they)) == (True, "")
