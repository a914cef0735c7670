"""Every control acts on the very next list, in every order, on every surface."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from compliance.subjects.controls import clear_control, follow, set_control
from compliance.subjects.models import Subject
from compliance.subjects.values import FEED_MODES
from ranking.catalogue.models import Creator, Item
from ranking.data.schema import Action
from ranking.serving.types import RankInputs
from tests.compliance.controls.made import act_all, adult, ids, in_mode, inputs, list_of, peopled
from tests.conftest import World

SURFACES = ("home", "related")
LIKES, DWELLS = 12, 4


@pytest.fixture
def creators(world: World) -> list[Creator]:
    """A world with creators and durations."""
    return peopled(world)


@pytest.fixture
def person(world: World, creators: list[Creator]) -> Subject:
    """An adult who follows four creators and three topics, and liked and watched something."""
    someone = adult(world)
    for creator in creators[:4]:
        follow(subject=someone, creator_id=creator.pk)
    for topic in ("Drama", "Comedy", "Horror"):
        follow(subject=someone, topic=topic)
    items = list(Item.objects.order_by("id").values_list("id", flat=True)[: 20 + DWELLS])
    act_all(someone, [(item, Action.LIKE, timedelta(hours=1, minutes=at)) for at, item in enumerate(items[:LIKES])])
    act_all(someone, [(item, Action.DWELL, timedelta(minutes=at)) for at, item in enumerate(items[20:])])
    return someone


def candidates(person: Subject, surface: str) -> tuple[RankInputs, list[int]]:
    """The inputs and the items of the next list."""
    anchor = None if surface == "home" else Item.objects.filter(topics__contains=["Drama"]).order_by("-id")[0].pk
    slate = list_of(person, anchor=anchor)
    return inputs(slate), ids(slate)


@pytest.mark.parametrize("mode", FEED_MODES)
def test_a_mute_leaves_no_candidate_in_any_order_on_any_surface(
    world: World, person: Subject, creators: list[Creator], mode: str
) -> None:
    in_mode(person, mode)
    for surface in SURFACES:
        before, _ = candidates(person, surface)
        assert before.candidates, (mode, surface)
    set_control(subject=person, kind="topic", target="Comedy", value="mute")
    set_control(subject=person, kind="creator", target=str(creators[1].pk), value="mute")
    set_control(subject=person, kind="keyword", target="film 7", value="mute")
    muted = set(Item.objects.filter(title__iregex=r"\yfilm 7\y").values_list("id", flat=True))
    assert muted
    for surface in SURFACES:
        after, _ = candidates(person, surface)
        assert after.candidates
        for one in (*after.candidates, *after.explore):
            assert "Comedy" not in one.topics
            assert one.creator_id != creators[1].pk
            assert one.item_id not in muted


def test_a_word_is_muted_as_a_whole_word_and_nothing_in_it_is_a_pattern(world: World, person: Subject) -> None:
    in_mode(person, "newest")
    titles = {"a.b": "The A.B story", "axb": "The axb story", "cup": "World Cup", "cupboard": "Cupboard"}
    made = {
        name: Item.objects.create(
            service=world.service,
            external_id=name,
            title=title,
            topics=["Drama"],
            suitable_from="adult",
            published_at=Item.objects.order_by("-published_at")[0].published_at,
        ).pk
        for name, title in titles.items()
    }
    set_control(subject=person, kind="keyword", target="a.b", value="mute")
    set_control(subject=person, kind="keyword", target="CUP", value="mute")
    shown = {one.item_id for one in inputs(list_of(person)).candidates}
    assert {name for name, item in made.items() if item in shown} == {"axb", "cupboard"}


SIGNALS = {
    "likes": {"observed.likes"},
    "watch_time": {"observed.watch_time"},
    "follows": {"declared.follows"},
    "location": {"declared.region"},
}


@pytest.mark.parametrize(("signal", "gone"), SIGNALS.items())
def test_a_signal_that_is_off_is_not_read(world: World, person: Subject, signal: str, gone: set[str]) -> None:
    before = inputs(list_of(person))
    assert gone <= set(before.reads)
    set_control(subject=person, kind="signal", target=signal, value="off")
    after = inputs(list_of(person))
    assert set(before.reads) - set(after.reads) == gone
    assert set(after.reads) <= set(before.reads)


def moments(given: RankInputs) -> list[int]:
    """When the events happened that were read, oldest first."""
    tokens = given.tokens
    assert tokens is not None
    return [int(moment) for moment in tokens.event_time_ms_BS[0][tokens.event_mask_BS[0]]]


def test_events_of_a_signal_that_is_off_are_no_inputs(world: World, person: Subject) -> None:
    both = moments(inputs(list_of(person)))
    assert len(both) == LIKES + DWELLS
    set_control(subject=person, kind="signal", target="watch_time", value="off")
    assert moments(inputs(list_of(person))) == both[:LIKES]
    set_control(subject=person, kind="signal", target="likes", value="off")
    assert moments(inputs(list_of(person))) == []


def test_close_friends_new_creators_and_durations_are_read_only_when_asked_for(
    world: World, person: Subject, creators: list[Creator]
) -> None:
    follow(subject=person, creator_id=creators[2].pk, close=True)
    plain = inputs(list_of(person))
    assert not any(one.close or one.new_creator for one in plain.candidates)
    assert any(one.seconds for one in plain.candidates)
    for objective in ("close_friends", "new_creators"):
        set_control(subject=person, kind="objective", target=objective, value="3")
    wanted = inputs(list_of(person))
    assert {one.creator_id for one in wanted.candidates if one.close} == {creators[2].pk}
    assert {one.creator_id for one in wanted.candidates if one.new_creator} == {creators[-1].pk}


def test_close_friends_reads_no_follow_that_was_switched_off(
    world: World, person: Subject, creators: list[Creator]
) -> None:
    follow(subject=person, creator_id=creators[2].pk, close=True)
    set_control(subject=person, kind="objective", target="close_friends", value="3")
    set_control(subject=person, kind="signal", target="follows", value="off")
    given = inputs(list_of(person))
    assert "declared.follows" not in given.reads
    assert not any(one.close for one in given.candidates)


@pytest.mark.parametrize("objective", ["close_friends", "new_creators", "shorter"])
def test_an_objective_brings_in_more_of_what_it_wants(
    world: World, person: Subject, creators: list[Creator], objective: str
) -> None:
    follow(subject=person, creator_id=creators[2].pk, close=True)

    def wanted_ones() -> int:
        slate = list_of(person, size=24)
        by_id = {one.item_id: one for one in inputs(slate).candidates}
        wanted = {
            "close_friends": {item for item, one in by_id.items() if one.creator_id == creators[2].pk},
            "new_creators": {item for item, one in by_id.items() if one.creator_id == creators[-1].pk},
            "shorter": {item for item, one in by_id.items() if one.seconds <= 600},
        }[objective]
        return sum(item in wanted for item in ids(slate))

    before = wanted_ones()
    set_control(subject=person, kind="objective", target=objective, value="3")
    assert wanted_ones() > before


def test_a_pause_reads_nothing_that_was_observed_and_ends_when_it_is_taken_back(world: World, person: Subject) -> None:
    assert list_of(person).feed_mode == "personalised"
    set_control(subject=person, kind="pause", target="", value="on")
    paused = list_of(person)
    assert paused.feed_mode == "popular"
    assert not [read for read in inputs(paused).reads if re.match("observed|inferred", read)]
    assert "baseline.pause" in {reason.rule for reason in paused.reasons}
    clear_control(subject=person, kind="pause", target="")
    assert list_of(person).feed_mode == "personalised"
