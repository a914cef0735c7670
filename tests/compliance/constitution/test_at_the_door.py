"""At the door: a list that must be repaired is, says why it is short, and replays; so does one without proof."""

from __future__ import annotations

import pytest

from compliance.audit.models import ServeRecord
from compliance.audit.selectors import document_of
from compliance.policy.constitution import budget
from ranking.catalogue.models import Creator, Item
from tests.compliance.replayed import named, replay
from tests.compliance.test_door import serve_on
from tests.conftest import World


@pytest.fixture
def one_creator(world: World) -> World:
    """Every item is of one creator: half of a scored list is all that they may have."""
    creator = Creator.objects.create(service=world.service, external_id="one", name="One for all")
    Item.objects.update(creator=creator)
    return world


def test_one_creator_fills_half_a_list_and_the_list_says_why(one_creator: World) -> None:
    slate = serve_on(one_creator.subject("alex"))
    assert len(slate.items) == 6
    assert "No creator has more than their share" in slate.shortfall
    record = ServeRecord.objects.get(id=slate.serve_id)
    output = document_of(record)["output"]
    assert output["certificate"]["kind"] == "shortened"
    assert output["certificate"]["broken"][0] == "principle.creator-share"
    assert any("principle.creator-share" in names for names in output["repairs"])
    assert named(replay(record)) == ""


def test_a_repair_that_is_not_proved_serves_a_lawful_list_that_replays(
    one_creator: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "MOST_WORK", 0)
    slate = serve_on(one_creator.subject("alex"))
    record = ServeRecord.objects.get(id=slate.serve_id)
    assert (len(slate.items), document_of(record)["output"]["certificate"]["kind"]) == (6, "unproved")
    assert "No longer one was found in time" in slate.shortfall
    assert named(replay(record)) == ""
