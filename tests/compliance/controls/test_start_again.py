"""Starting again: nothing from before is ever an input of a list again (M4)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from compliance.audit.keys.errors import KeyErased
from compliance.audit.models import AuditEvent, ServeRecord, SubjectKey
from compliance.audit.selectors import document_of, record_of
from compliance.subjects.controls import follow, set_control, start_again
from compliance.subjects.models import Control, FeedChoice, HiddenItem
from compliance.subjects.services import begin_anew, hide_item
from ranking.catalogue.models import Event, Follow, Item
from ranking.data.schema import Action
from ranking.serving.local import user_states
from ranking.serving.services import forget_person
from tests.compliance.controls.made import act, adult, document, ids, in_mode, inputs, list_of
from tests.conftest import World


def test_nothing_from_before_is_an_input_again(world: World) -> None:
    alex = world.subject("alex")
    before = inputs(list_of(alex))
    assert before.tokens is not None
    assert before.tokens.event_mask_BS.any()
    rated = set(Event.objects.filter(subject_id=alex.id).values_list("item_id", flat=True))
    start_again(subject=alex)
    slate = list_of(alex, size=24)
    after = inputs(slate)
    assert after.tokens is not None
    assert not after.tokens.event_mask_BS.any()
    assert "similar" not in {one.source for one in after.candidates}
    assert rated & {one.item_id for one in after.candidates}, "what was settled before is settled no more"
    assert document(slate)["asker"]["since_ms"] is not None
    assert document(slate)["cache_state"] == "miss"


def test_what_comes_after_counts_and_what_arrives_late_does_not(world: World) -> None:
    alex = world.subject("alex")
    start_again(subject=alex)
    items = list(Item.objects.order_by("id").values_list("id", flat=True)[:2])
    act(alex, items[0], Action.LIKE, ago=timedelta(hours=1))  # sent late by a client: it happened before
    act(alex, items[1], Action.LIKE, ago=timedelta(milliseconds=-50))
    tokens = inputs(list_of(alex)).tokens
    assert tokens is not None
    assert int(tokens.event_mask_BS.sum()) == 1


def test_the_act_is_on_record_under_the_old_pseudonym_and_earlier_lists_stay_out_of_reach(world: World) -> None:
    alex = world.subject("alex")
    slate, old, epoch = list_of(alex), alex.pseudonym, alex.epoch
    start_again(subject=alex)
    assert (alex.pseudonym != old, alex.epoch) == (True, epoch + 1)
    act_on_record = AuditEvent.objects.filter(pseudonym=old, kind="control").latest("id")
    assert document_of(act_on_record)["control"] == "start_again"
    assert document_of(ServeRecord.objects.get(id=slate.serve_id))["id"] == str(slate.serve_id)
    with pytest.raises(ServeRecord.DoesNotExist):
        record_of(subject=alex, serve_id=slate.serve_id)


def test_the_state_that_a_scorer_kept_is_forgotten(world: World, django_capture_on_commit_callbacks: object) -> None:
    alex = world.subject("alex")
    user_states.cache_clear()
    list_of(alex)
    old = alex.pseudonym
    assert forget_person(service=world.service, pseudonym=old) == 1
    list_of(alex)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        start_again(subject=alex)
    assert forget_person(service=world.service, pseudonym=old) == 0


def test_what_was_declared_stays_unless_it_is_asked_to_go_and_what_protects_always_stays(world: World) -> None:
    someone = adult(world)
    item = Item.objects.order_by("id")[3].pk
    follow(subject=someone, topic="Drama")
    hide_item(subject=someone, item_id=item)
    for kind, target, value in (("topic", "Horror", "mute"), ("signal", "likes", "off"), ("pause", "", "on")):
        set_control(subject=someone, kind=kind, target=target, value=value)
    in_mode(someone, "newest")
    start_again(subject=someone)
    assert Follow.objects.filter(subject_id=someone.id).count() == 1
    assert HiddenItem.objects.filter(subject=someone).count() == 1
    assert item not in ids(list_of(someone))
    start_again(subject=someone, also_declared=True)
    assert not Follow.objects.filter(subject_id=someone.id).exists()
    assert not HiddenItem.objects.filter(subject=someone).exists()
    kept = Control.objects.filter(subject=someone).values_list("kind", flat=True).order_by("kind")
    assert list(kept) == ["pause", "signal"]
    assert FeedChoice.objects.filter(subject=someone).count() == 2
    assert list_of(someone).feed_mode == "newest"


def test_erasing_erases_the_earlier_epochs_too(world: World) -> None:
    alex = world.subject("alex")
    first = list_of(alex)
    pseudonyms = [alex.pseudonym]
    start_again(subject=alex)
    list_of(alex)
    pseudonyms.append(alex.pseudonym)
    begin_anew(subject=alex, why="asked for it")
    assert not SubjectKey.objects.filter(pk__in=pseudonyms).exists()
    with pytest.raises(KeyErased):
        document_of(ServeRecord.objects.get(id=first.serve_id))
    assert alex.epoch == 3
    assert timezone.now() > alex.history_since
