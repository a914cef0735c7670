"""An item that moderation labelled carries its label wherever it is shown: card, page and API (DSA Art. 17(1)(a))."""

from __future__ import annotations

import pytest
from django.test import Client

from compliance.statements.models import ActorKind, Decision, Kind
from compliance.statements.services import actor, decide, reverse
from compliance.subjects.services import choose_feed
from tests.compliance.statements.conftest import new_decision
from tests.compliance.test_door import ids, serve_on
from tests.conftest import World

WORDS = "Terms, section 4.2: misleading titles: A title must not promise what the film does not show."


@pytest.fixture(name="labelled")
def _labelled(world: World) -> Decision:
    """A label on the first item of Alex's list."""
    alex = world.subject("alex")
    choose_feed(subject=alex, surface="home", feed_mode="newest")
    new = new_decision(ids(serve_on(alex))[0], actor(name="account 901", kind=ActorKind.PERSON))
    object.__setattr__(new, "kind", Kind.LABELLED)
    object.__setattr__(new, "amount", None)
    return decide(service=world.service, new=new)


def seen(client: Client, labelled: Decision) -> tuple[int, int, list[list[str]]]:
    """How often the label stands on the feed and on the item's page, and which items the API labels."""
    feed, page = (client.get(where).content.decode() for where in ("/", f"/items/{labelled.item_id}/"))
    asked = client.post("/api/v1/feed", {"surface": "home"}, content_type="application/json")
    assert asked.status_code == 200
    return feed.count(WORDS), page.count(WORDS), [one["labels"] for one in asked.json()["items"]]


def test_a_label_is_shown_on_the_card_the_page_and_in_the_api_until_it_is_reversed(
    world: World, labelled: Decision
) -> None:
    client = Client()
    client.force_login(world.user("alex"))
    feed, page, api = seen(client, labelled)
    assert (feed, page) == (1, 1)
    assert api == [[WORDS], *[[]] * (len(api) - 1)]
    reverse(decision=labelled, by=actor(name="account 902", kind=ActorKind.PERSON), reasons="It broke no clause.")
    feed, page, api = seen(client, labelled)
    assert (feed, page) == (0, 0)
    assert not any(api)
