"""Every control is proved on a served list: decided again without it, what it names has changed, and nothing else has.

Each proof is also shown to fail: on a pair of lists that differ in more than the control says.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from compliance.serving.proving.again import Pair, WorldMoved, with_and_without
from compliance.serving.proving.judging import Proof, prove
from compliance.serving.proving.taking import NothingTaken, taken_of
from compliance.serving.types import Slate
from compliance.subjects.controls import follow, set_control, start_again
from compliance.subjects.models import Subject
from compliance.subjects.services import hide_item
from compliance.subjects.values import NON_PROFILED
from ranking.catalogue.models import Creator, Item
from ranking.data.schema import Action
from tests.compliance.controls.made import act, act_all, adult, document, ids, in_mode, list_of, peopled
from tests.conftest import World


@pytest.fixture
def creators(world: World) -> list[Creator]:
    """A world with creators and durations."""
    return peopled(world)


@pytest.fixture
def person(world: World, creators: list[Creator]) -> Subject:
    """An adult with a past of every kind, who follows one creator closely."""
    someone = adult(world, region="R1")
    follow(subject=someone, creator_id=creators[2].pk, close=True)
    follow(subject=someone, topic="Drama")
    done = (Action.LIKE, Action.LONG_VIEW, Action.CLICK, Action.RATED_5, Action.DWELL)
    items = Item.objects.order_by("id").values_list("id", flat=True)[:40]
    act_all(
        someone,
        [(item, done[at % len(done)], timedelta(minutes=at + 1)) for at, item in enumerate(items)],
    )
    return someone


def proof(subject: Subject, slate: Slate, control: str) -> Proof:
    """The proof of one control on one list."""
    return prove(pair(subject, slate, control))


def pair(subject: Subject, slate: Slate, control: str) -> Pair:
    """The list with and without the control."""
    return with_and_without(document(slate), subject_id=subject.id, taken=taken_of(control))


TEN = (
    ("topic", "Comedy", "mute"),
    ("creator", "1", "mute"),
    ("keyword", "film 7", "mute"),
    ("topic", "Horror", "more"),
    ("creator", "2", "less"),
    ("signal", "likes", "off"),
    ("signal", "watch_time", "off"),
    ("signal", "follows", "off"),
    ("signal", "location", "off"),
    ("objective", "shorter", "2"),
    ("objective", "new_creators", "3"),
    ("objective", "close_friends", "1"),
    ("pause", "", "on"),
)


@pytest.mark.parametrize(("kind", "target", "value"), TEN)
def test_a_control_changes_what_it_names_and_nothing_else(
    world: World, person: Subject, creators: list[Creator], kind: str, target: str, value: str
) -> None:
    target = str(creators[int(target)].pk) if kind == "creator" else target
    if (kind, target) == ("keyword", "film 7"):
        Item.objects.filter(id__in=ids(list_of(person))[:2]).update(title="A second Film 7, made up")
    set_control(subject=person, kind=kind, target=target, value=value)
    shown = proof(person, list_of(person), f"{kind}:{target}" if target else kind)
    assert shown.faults == ()
    assert shown.named or kind in ("signal", "pause")


def test_hiding_an_item_takes_that_item_away_and_nothing_else(world: World, person: Subject) -> None:
    item = ids(list_of(person))[0]
    hide_item(subject=person, item_id=item)
    shown = proof(person, list_of(person), f"hide:{item}")
    assert shown.faults == ()
    assert shown.named == (item,)
    assert item in shown.other
    assert item not in shown.served


def test_starting_again_takes_the_past_away_and_nothing_else(world: World, person: Subject) -> None:
    start_again(subject=person)
    assert proof(person, list_of(person), "start_again").faults == ()


@pytest.mark.parametrize("mode", NON_PROFILED)
def test_an_order_that_is_chosen_makes_the_past_count_for_nothing(world: World, person: Subject, mode: str) -> None:
    in_mode(person, mode)
    shown = proof(person, list_of(person), "feed_mode")
    assert shown.faults == ()
    assert shown.served != shown.other


@pytest.mark.parametrize("mode", NON_PROFILED)
def test_a_mute_is_proved_in_every_order(world: World, person: Subject, mode: str) -> None:
    for creator in Creator.objects.all()[:6]:
        follow(subject=person, creator_id=creator.pk)
    follow(subject=person, topic="Comedy")
    follow(subject=person, topic="Horror")
    in_mode(person, mode)
    set_control(subject=person, kind="topic", target="Comedy", value="mute")
    assert proof(person, list_of(person), "topic:Comedy").faults == ()


def test_a_mute_is_proved_on_a_related_list(world: World, person: Subject) -> None:
    anchor = Item.objects.filter(topics__contains=["Drama"]).order_by("-id")[0].pk
    set_control(subject=person, kind="topic", target="Horror", value="mute")
    assert proof(person, list_of(person, anchor=anchor), "topic:Horror").faults == ()


# --- Proofs that fail -----------------------------------------------------------------------------------------------


def test_a_control_that_was_not_set_proves_nothing(world: World, person: Subject) -> None:
    slate = list_of(person)
    for control in ("topic:Comedy", "pause", "start_again", "feed_mode", "hide:1"):
        with pytest.raises(NothingTaken, match="not decided with"):
            pair(person, slate, control)
    for text in ("", "pause:x", "topic", "topic:", "limit:daily_minutes"):
        with pytest.raises(NothingTaken, match="names no control"):
            taken_of(text)


def test_a_world_that_has_moved_on_is_not_blamed_on_a_control(world: World, person: Subject) -> None:
    set_control(subject=person, kind="topic", target="Comedy", value="mute")
    slate = list_of(person)
    act(person, Item.objects.order_by("-id")[0].pk, Action.LIKE, ago=timedelta(hours=3))
    with pytest.raises(WorldMoved, match="Serve a new list"):
        pair(person, slate, "topic:Comedy")


def test_a_mute_that_does_more_or_less_than_it_says_is_found(world: World, person: Subject) -> None:
    set_control(subject=person, kind="topic", target="Comedy", value="mute")
    fine = pair(person, list_of(person), "topic:Comedy")
    assert prove(fine).holds
    nothing = prove(replace(fine, other=fine.served))
    assert any("nothing was shown" in fault for fault in nothing.faults)
    unmuted = prove(replace(fine, served=fine.other))
    assert any("candidates all the same" in fault for fault in unmuted.faults)
    plan = replace(fine.served.plan, diversity=0.9, features=fine.served.plan.features[1:])
    more = prove(replace(fine, served=replace(fine.served, plan=plan)))
    assert {"The plan's diversity differs.", "The plan's features differs."} <= set(more.faults)
    set_control(subject=person, kind="signal", target="likes", value="off")
    both = pair(person, list_of(person), "topic:Comedy")
    mixed = prove(replace(both, other=fine.other))
    assert any("past that was read differs" in fault for fault in mixed.faults)
    assert any("another score" in fault for fault in mixed.faults)


def test_an_adjustment_of_another_amount_or_of_another_item_is_found(world: World, person: Subject) -> None:
    set_control(subject=person, kind="topic", target="Horror", value="more")
    fine = pair(person, list_of(person), "topic:Horror")
    ranked = fine.served.decision.ranked
    assert prove(fine).holds
    moved = replace(ranked, adjusted=tuple(amount + 1 for amount in ranked.adjusted))
    wrong = replace(fine, served=replace(fine.served, decision=replace(fine.served.decision, ranked=moved)))
    assert any("thousandths instead of 0" in fault for fault in prove(wrong).faults)
    assert any("thousandths instead of 150" in fault for fault in prove(wrong).faults)
    assert any("blended to" in fault for fault in prove(wrong).faults)


def test_a_signal_of_which_something_is_still_read_is_found(world: World, person: Subject) -> None:
    set_control(subject=person, kind="signal", target="likes", value="off")
    fine = pair(person, list_of(person), "signal:likes")
    assert prove(fine).holds
    tokens = fine.other.inputs.tokens
    leaking = replace(fine.served.inputs, tokens=tokens, reads=fine.other.inputs.reads)
    faults = prove(replace(fine, served=replace(fine.served, inputs=leaking))).faults
    assert any("are not the" in fault for fault in faults)
    assert any("read no more, instead of ['observed.likes']" in fault for fault in faults)


def test_a_fresh_start_that_remembers_is_found(world: World, person: Subject) -> None:
    start_again(subject=person)
    fine = pair(person, list_of(person), "start_again")
    assert prove(fine).holds
    leaking = replace(fine.served.inputs, tokens=fine.other.inputs.tokens)
    faults = prove(replace(fine, served=replace(fine.served, inputs=leaking))).faults
    assert any("events from before are inputs" in fault for fault in faults)


def test_the_command_proves_a_list_on_record_and_says_what_it_is_about(world: World, person: Subject) -> None:
    set_control(subject=person, kind="topic", target="Comedy", value="mute")
    slate, said = list_of(person), StringIO()
    call_command("controls", "prove", str(slate.serve_id), "topic:Comedy", stdout=said)
    assert "and nothing else differs" in said.getvalue()
    with pytest.raises(CommandError, match="not decided with"):
        call_command("controls", "prove", str(slate.serve_id), "pause", stdout=said)
    with pytest.raises(CommandError, match="no record"):
        call_command("controls", "prove", str(UUID(int=1)), "pause", stdout=said)
