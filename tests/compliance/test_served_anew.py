"""A list is served as it would be now: under an old key too, and when something changes while it is being made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from compliance.audit.models import ServeRecord
from compliance.serving import pipeline, restricting
from compliance.serving.door import NotServed
from compliance.statements.models import ActorKind, Decision, Kind, ServedPenalty
from compliance.statements.services import actor, decide, reverse
from compliance.subjects.controls import set_control
from compliance.subjects.models import Subject
from compliance.subjects.services import choose_feed, hide_item
from ranking.catalogue.models import Essential, Item
from ranking.serving.types import Penalties
from tests.compliance.statements.conftest import new_decision
from tests.compliance.test_door import ids, serve_on
from tests.compliance.test_essential import declare, item_for
from tests.conftest import World


@pytest.fixture(name="alex")
def _alex(world: World) -> Subject:
    subject: Subject = world.subject("alex")
    choose_feed(subject=subject, surface="home", feed_mode="newest")
    return subject


def restrict(world: World, item_id: int, **changes: Any) -> Decision:
    """Take a decision about an item, now."""
    new = new_decision(item_id, actor(name="account 901", kind=ActorKind.PERSON))
    for name, value in changes.items():
        object.__setattr__(new, name, value)
    return decide(service=world.service, new=new)


def test_a_hidden_item_is_not_served_again_under_the_old_key(alex: Subject) -> None:
    first = serve_on(alex, key="abc")
    hide_item(subject=alex, item_id=ids(first)[3])
    again = serve_on(alex, key="abc")
    assert not again.replayed
    assert ids(first)[3] not in ids(again)
    assert serve_on(alex, key="abc").serve_id == again.serve_id


def test_hiding_what_is_not_in_the_list_leaves_it_standing(alex: Subject) -> None:
    first = serve_on(alex, key="abc")
    hide_item(subject=alex, item_id=Item.objects.exclude(id__in=ids(first)).order_by("id")[0].pk)
    assert serve_on(alex, key="abc").serve_id == first.serve_id


def test_a_muted_word_in_a_title_that_changed_ends_a_list(alex: Subject) -> None:
    set_control(subject=alex, kind="keyword", target="zucchini", value="mute")
    first = serve_on(alex, key="abc")
    Item.objects.filter(id=ids(first)[0]).update(title="The Zucchini")
    again = serve_on(alex, key="abc")
    assert not again.replayed
    assert ids(first)[0] not in ids(again)


def test_a_notice_that_ended_is_not_served_again(world: World, alex: Subject) -> None:
    notice = declare(world, item_for("child"))
    assert serve_on(alex, key="abc").items[0].source == "essential"
    assert serve_on(alex, key="abc").replayed
    past = timezone.now() - timedelta(hours=1)
    Essential.objects.filter(pk=notice.pk).update(starts_at=past - timedelta(hours=1), ends_at=past)
    again = serve_on(alex, key="abc")
    assert not again.replayed
    assert "essential" not in {item.source for item in again.items}


def test_a_demotion_and_its_reversal_each_end_a_list(world: World, alex: Subject) -> None:
    first = serve_on(alex, key="abc")
    decision = restrict(world, ids(first)[0])
    demoted = serve_on(alex, key="abc")
    assert not demoted.replayed
    assert ids(demoted)[0] != ids(first)[0]
    last = ids(demoted)[-1]
    labelled = restrict(world, last, kind=Kind.LABELLED, amount=None)
    cited = serve_on(alex, key="abc")
    assert ServedPenalty.objects.filter(record_id=cited.serve_id, decision_id=labelled.pk).exists()
    assert serve_on(alex, key="abc").replayed
    for each in (decision, labelled):
        reverse(decision=each, by=actor(name="account 902", kind=ActorKind.PERSON), reasons="It broke no clause.")
    assert ids(serve_on(alex, key="abc")) == ids(first)


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[pipeline.Decision], object]) -> None:
    """Let something happen after a list was decided and before it is recorded, once."""
    decide_it = pipeline.decide

    def decided(*given: Any) -> pipeline.Decision:
        made = decide_it(*given)
        monkeypatch.setattr(pipeline, "decide", decide_it)
        act(made)
        return made

    monkeypatch.setattr(pipeline, "decide", decided)


def relabel(made: pipeline.Decision) -> None:
    Item.objects.filter(id=made.slate[0].item_id).update(suitable_from="adult")


@pytest.mark.parametrize("removed", [False, True], ids=["relabelled", "removed"])
def test_a_minor_is_not_served_what_is_withdrawn_while_their_list_is_made(
    world: World, monkeypatch: pytest.MonkeyPatch, removed: bool
) -> None:
    kim = world.subject("kim")

    def remove(made: pipeline.Decision) -> None:
        restrict(world, made.slate[0].item_id, kind=Kind.REMOVED, amount=None)

    meanwhile(monkeypatch, remove if removed else relabel)
    with pytest.raises(NotServed, match="changed while") as refused:
        serve_on(kim, key="abc")
    assert refused.value.retry_after == 1
    assert not ServeRecord.objects.filter(pseudonym=kim.pseudonym).exists()
    assert len(serve_on(kim, key="abc").items) > 0


def test_where_decisions_act_a_list_of_an_adult_is_looked_at_again_too(
    world: World, alex: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    restrict(world, ids(serve_on(alex))[0], kind=Kind.LABELLED, amount=None)
    meanwhile(monkeypatch, lambda made: Item.objects.filter(id=made.slate[1].item_id).update(is_active=False))
    with pytest.raises(NotServed, match="changed while"):
        serve_on(alex)


def test_a_penalty_without_a_statement_is_never_served(
    world: World, alex: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = restrict(world, Item.objects.order_by("id")[0].pk, kind=Kind.REMOVED, amount=None)

    class Inventing:
        """A source of penalties that cites a decision about something else."""

        def __init__(self, decided: Any) -> None:
            self._decided = decided

        def leave(self, items: Any) -> Any:
            return self._decided.leave(items)

        def penalties(self, item_ids: Any) -> Any:
            return {item_id: Penalties((str(foreign.pk),), 1) for item_id in item_ids}

    really = restricting.restrictions_for
    monkeypatch.setattr(
        "compliance.serving.door.restrictions_for", lambda *given, **named: Inventing(really(*given, **named))
    )
    before = ServeRecord.objects.count()
    with pytest.raises(NotServed):
        serve_on(alex)
    assert ServeRecord.objects.count() == before


@pytest.mark.parametrize("tier", ["adult", "child"])
def test_a_notice_of_a_region_reaches_who_declared_it_in_every_order(world: World, tier: str) -> None:
    here = world.subject("alex" if tier == "adult" else "kim")
    Subject.objects.filter(pk=here.pk).update(region="valley")
    here.refresh_from_db()
    declare(world, item_for("child"), region="valley")
    for mode in ("newest", "popular"):
        choose_feed(subject=here, surface="home", feed_mode=mode)
        assert serve_on(here).items[0].source == "essential"
    Subject.objects.filter(pk=here.pk).update(region="hill")
    assert "essential" not in {item.source for item in serve_on(Subject.objects.get(pk=here.pk)).items}
