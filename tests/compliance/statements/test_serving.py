"""Decisions about items act on the very next list, are cited in its record, and have their statement."""

from __future__ import annotations

import pytest
from django.utils import timezone

from compliance.audit.models import ServeRecord
from compliance.audit.selectors import document_of
from compliance.serving.door import UnknownItem
from compliance.serving.replay import Replayer
from compliance.serving.replay.grades import Grade
from compliance.statements.models import ActorKind, Decision, Kind, ServedPenalty
from compliance.statements.services import actor, decide, reverse
from compliance.statements.unstated import unstated_demotions, unstated_in
from compliance.subjects.services import begin_anew, choose_feed
from tests.compliance.statements.conftest import new_decision
from tests.compliance.test_door import serve_on
from tests.conftest import World


def restrict(world: World, item_id: int, **changes: object) -> Decision:
    """Take a decision about an item, now."""
    moderator = actor(name="moderator-1", kind=ActorKind.PERSON)
    new = new_decision(item_id, moderator)
    for name, value in changes.items():
        object.__setattr__(new, name, value)
    return decide(service=world.service, new=new)


@pytest.mark.parametrize("mode", ["personalised", "newest", "popular"])
def test_a_demotion_costs_places_is_cited_and_replays(world: World, mode: str) -> None:
    alex = world.subject("alex")
    choose_feed(subject=alex, surface="home", feed_mode=mode)
    first = serve_on(alex).items[0].item_id
    decision = restrict(world, first, amount=1000)
    slate = serve_on(alex)
    assert slate.items[0].item_id != first
    record = ServeRecord.objects.get(id=slate.serve_id)
    cited = {one for item in document_of(record)["output"]["items"] for one in item["penalties"]}
    assert cited <= {str(decision.id)}
    assert Replayer().replay(record).grade is Grade.R2
    assert unstated_demotions() == 0
    assert list(unstated_in([(record.id, document_of(record))])) == []


def test_a_removed_item_is_in_no_list_and_has_no_page_until_the_decision_is_reversed(world: World) -> None:
    alex = world.subject("alex")
    choose_feed(subject=alex, surface="home", feed_mode="popular")
    first = serve_on(alex).items[0].item_id
    decision = restrict(world, first, kind=Kind.REMOVED, amount=None)
    assert first not in {item.item_id for item in serve_on(alex).items}
    with pytest.raises(UnknownItem):
        serve_on(alex, "related", anchor=first)
    reverse(decision=decision, by=actor(name="moderator-2", kind=ActorKind.PERSON), reasons="It broke no clause.")
    assert first == serve_on(alex).items[0].item_id


def test_a_labelled_item_is_cited_where_it_is_shown(world: World) -> None:
    alex = world.subject("alex")
    choose_feed(subject=alex, surface="home", feed_mode="popular")
    first = serve_on(alex).items[0].item_id
    decision = restrict(world, first, kind=Kind.LABELLED, amount=None)
    slate = serve_on(alex)
    assert slate.items[0].item_id == first
    assert ServedPenalty.objects.filter(record_id=slate.serve_id, decision_id=decision.id).exists()


def test_what_acted_on_a_persons_lists_is_forgotten_with_them(world: World) -> None:
    alex, sam = world.subject("alex"), world.subject("sam")
    for subject in (alex, sam):
        choose_feed(subject=subject, surface="home", feed_mode="popular")
    shown = {item.item_id for item in serve_on(alex).items} & {item.item_id for item in serve_on(sam).items}
    restrict(world, min(shown), kind=Kind.LABELLED, amount=None)
    slates = [serve_on(alex).serve_id, serve_on(sam).serve_id]
    begin_anew(subject=alex, why="asked for it")
    assert list(ServedPenalty.objects.values_list("record_id", flat=True)) == slates[1:]


def test_a_decision_for_another_country_or_age_does_not_act(world: World) -> None:
    alex = world.subject("alex")
    choose_feed(subject=alex, surface="home", feed_mode="popular")
    first = serve_on(alex).items[0].item_id
    restrict(world, first, kind=Kind.DISABLED, amount=None, territories=("US",))
    restrict(world, first, kind=Kind.AGE_RESTRICTED, amount=None, rule="terms.age", tiers=("child", "unknown"))
    assert serve_on(alex).items[0].item_id == first
    assert timezone.now() > Decision.objects.latest("starts_at").starts_at
