"""The read trace: nothing about a person is read that the plan does not allow."""

from __future__ import annotations

import json

import pytest

from compliance.audit.canonical import canonical
from ranking.catalogue.models import Item
from ranking.serving.errors import ReadNotAllowed
from ranking.serving.gather import gather
from ranking.serving.scorer import live_scorer
from ranking.serving.signals import ACTIONS
from ranking.serving.snapshot import inputs_document, inputs_of
from ranking.serving.trace import ReadTrace
from ranking.serving.types import Allowance, Asker, Owner, Situation
from tests.conftest import World


def test_a_read_that_is_not_allowed_stops_the_request() -> None:
    trace = ReadTrace(frozenset({"location"}))
    trace.read("catalogue.items")
    trace.read("declared.region")
    with pytest.raises(ReadNotAllowed, match=r"observed\.likes"):
        trace.read("observed.likes")
    with pytest.raises(ReadNotAllowed):
        trace.read("inferred.mood")  # what nobody listed is not read
    assert trace.reads == ("catalogue.items", "declared.region")


def asker_and_allowance(world: World, **changes: object) -> tuple[Asker, Allowance]:
    """Alex, and a scored allowance."""
    alex = world.subject("alex")
    owner = Owner(service=alex.service, pseudonym=alex.pseudonym, epoch=alex.epoch)
    allowance = {
        "order": "score",
        "sources": ("similar", "trending", "newest"),
        "features": frozenset({*ACTIONS, "profile", "context"}),
        "weights": {"like": 1.0},
        "audiences": ("child", "young_teen", "teen", "adult", ""),
        "hidden_items": (),
        "slate_size": 12,
        "pool_size": 100,
        "diversity": 0.3,
        "explore_pool": 5,
    }
    return Asker(owner=owner, subject_id=alex.id, region=""), Allowance(**{**allowance, **changes})  # type: ignore[arg-type]


SITUATION = Situation(surface="home", now_ms=4_000_000_000_000, anchor_id=None, seed=1)


def test_an_allowance_without_history_scores_without_it(world: World) -> None:
    asker, allowance = asker_and_allowance(world, features=frozenset({"context"}))
    inputs = gather(asker, allowance, SITUATION, live_scorer())
    assert inputs.tokens is not None
    assert not inputs.tokens.event_mask_BS.any()
    assert not [read for read in inputs.reads if read.startswith("observed.")]
    assert "declared.profile" not in inputs.reads


def test_a_snapshot_comes_back_bit_for_bit(world: World) -> None:
    asker, allowance = asker_and_allowance(world)
    inputs = gather(asker, allowance, SITUATION, live_scorer())
    stored = canonical(inputs_document(inputs))
    back = inputs_of(json.loads(stored))
    assert canonical(inputs_document(back)) == stored
    assert back.candidates == inputs.candidates
    assert back.explore == inputs.explore


def test_candidates_carry_the_source_that_brought_them(world: World) -> None:
    asker, allowance = asker_and_allowance(world)
    inputs = gather(asker, allowance, SITUATION, live_scorer())
    assert {candidate.source for candidate in inputs.candidates} == {"similar", "trending", "newest"}
    assert {candidate.source for candidate in inputs.explore} <= {"explore"}
    ids = [candidate.item_id for candidate in (*inputs.candidates, *inputs.explore)]
    assert len(ids) == len(set(ids))


def test_what_a_person_rated_is_not_recommended_to_them_again(world: World) -> None:
    from ranking.catalogue.models import Event

    asker, allowance = asker_and_allowance(world)
    rated = set(Event.objects.filter(subject_id=asker.subject_id).values_list("item_id", flat=True))
    inputs = gather(asker, allowance, SITUATION, live_scorer())
    assert rated
    assert not rated & {candidate.item_id for candidate in inputs.candidates}
    assert len(rated) < Item.objects.count()
