"""Controls are validated whole, set and taken back alike, and on record each time."""

from __future__ import annotations

from typing import Any

import pytest

from compliance.audit.models import AuditEvent
from compliance.audit.selectors import document_of
from compliance.subjects.controls import (
    ControlRefused,
    clear_control,
    clear_controls,
    follow,
    set_control,
    unfollow,
)
from compliance.subjects.models import Control, Subject
from compliance.subjects.stating import MOST_OF_A_KIND
from ranking.catalogue.models import Creator, Follow
from tests.compliance.controls.made import adult
from tests.conftest import World

GOOD = (
    ("topic", "Drama", "mute"),
    ("topic", "Drama", "more"),
    ("keyword", "  World   CUP ", "mute"),
    ("signal", "likes", "off"),
    ("signal", "watch_time", "off"),
    ("objective", "shorter", "3"),
    ("pause", "", "on"),
)
BAD = (
    ("topic", "No such topic", "mute"),
    ("topic", "", "mute"),
    ("topic", "Drama", "louder"),
    ("creator", "7", "mute"),
    ("creator", "x", "mute"),
    ("creator", "0", "mute"),
    ("keyword", "a", "mute"),
    ("keyword", "x" * 41, "mute"),
    ("keyword", ".*", "mute"),
    ("keyword", "(drama", "mute"),
    ("keyword", "drama)", "mute"),
    ("keyword", "drama", "more"),
    ("signal", "device", "off"),
    ("signal", "mood", "off"),
    ("signal", "likes", "on"),
    ("objective", "shorter", "4"),
    ("objective", "shorter", "0"),
    ("objective", "richer", "1"),
    ("pause", "all", "on"),
    ("limit", "daily_minutes", "10"),
    ("nothing", "", ""),
)


def acts(subject: Subject) -> list[dict[str, Any]]:
    """The acts of control on record of a subject, oldest first."""
    found = AuditEvent.objects.filter(kind="control", pseudonym=subject.pseudonym).order_by("id")
    return [document_of(event) for event in found]


@pytest.mark.parametrize(("kind", "target", "value"), GOOD)
def test_a_control_is_set_once_and_taken_back_and_each_is_on_record(
    world: World, kind: str, target: str, value: str
) -> None:
    sam = world.subject("sam")
    before = len(acts(sam))
    stored = set_control(subject=sam, kind=kind, target=target, value=value)
    assert set_control(subject=sam, kind=kind, target=target, value=value).pk == stored.pk
    assert Control.objects.filter(subject=sam).count() == 1
    assert clear_control(subject=sam, kind=kind, target=stored.target)
    assert not clear_control(subject=sam, kind=kind, target=stored.target)
    assert not Control.objects.filter(subject=sam).exists()
    said = [(one["control"], one["target"], one["value"]) for one in acts(sam)[before:]]
    assert said == [(kind, stored.target, value), (kind, stored.target, "")]


@pytest.mark.parametrize(("kind", "target", "value"), BAD)
def test_what_no_list_could_follow_is_refused_and_nothing_is_stored(
    world: World, kind: str, target: str, value: str
) -> None:
    sam = world.subject("sam")
    with pytest.raises(ControlRefused, match=r"\.$"):
        set_control(subject=sam, kind=kind, target=target, value=value)
    assert not Control.objects.filter(subject=sam).exists()
    assert acts(sam) == []


def test_a_muted_word_is_stored_composed_and_in_small_letters(world: World) -> None:
    sam = world.subject("sam")
    assert set_control(subject=sam, kind="keyword", target="  Cafe\u0301  Noir ", value="mute").target == "café noir"


def test_a_later_value_takes_the_place_of_an_earlier_one(world: World) -> None:
    sam = world.subject("sam")
    for value in ("more", "less", "mute"):
        set_control(subject=sam, kind="topic", target="Drama", value=value)
    assert list(Control.objects.filter(subject=sam).values_list("value", flat=True)) == ["mute"]


def test_what_a_guardian_set_is_not_the_childs_to_take_back(world: World) -> None:
    kim = world.subject("kim")
    Control.objects.create(subject=kim, kind="topic", target="Drama", value="mute", by_guardian=True)
    assert not clear_control(subject=kim, kind="topic", target="Drama")
    set_control(subject=kim, kind="topic", target="Drama", value="more")
    assert clear_controls(subject=kim) == 1
    assert Control.objects.get(subject=kim).by_guardian


def test_more_than_a_list_can_follow_is_refused(world: World) -> None:
    sam = world.subject("sam")
    Control.objects.bulk_create(
        Control(subject=sam, kind="keyword", target=f"word {number}", value="mute") for number in range(MOST_OF_A_KIND)
    )
    with pytest.raises(ControlRefused, match="take one back"):
        set_control(subject=sam, kind="keyword", target="one more", value="mute")
    set_control(subject=sam, kind="topic", target="Drama", value="mute")


def test_following_is_declared_kept_once_and_undone(world: World) -> None:
    someone = adult(world)
    creator = Creator.objects.create(service=world.service, external_id="c", name="C")
    for close in (False, True, True):
        follow(subject=someone, creator_id=creator.pk, close=close)
    follow(subject=someone, topic="Drama")
    held = Follow.objects.filter(subject_id=someone.id).order_by("id")
    assert [(one.creator_id, one.topic, one.close) for one in held] == [(creator.pk, "", True), (None, "Drama", False)]
    assert unfollow(subject=someone, creator_id=creator.pk)
    assert not unfollow(subject=someone, creator_id=creator.pk)
    assert unfollow(subject=someone, topic="Drama")
    said = [(one["about"], one["value"]) for one in acts(someone)]
    assert said == [("creator", "on"), ("creator", "close"), ("topic", "on"), ("creator", ""), ("topic", "")]


@pytest.mark.parametrize(
    "what",
    [{}, {"topic": "No such topic"}, {"creator_id": 999_999}, {"topic": "Drama", "creator_id": 1},
     {"topic": "Drama", "close": True}],
)  # fmt: skip
def test_what_cannot_be_followed_is_refused(world: World, what: dict[str, Any]) -> None:
    with pytest.raises(ControlRefused):
        follow(subject=world.subject("sam"), **what)
