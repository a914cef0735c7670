"""Stated preference: asked under a drawn share of lists, never of minors, and what is stated outranks what is done."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from compliance.audit.models import AuditEvent
from compliance.audit.selectors import document_of
from compliance.subjects.controls import ControlRefused, set_control, start_again
from compliance.subjects.models import Control, Subject
from compliance.surveys.drawing import commonest, is_drawn, question_of
from compliance.surveys.models import Question, StatedPreference
from compliance.surveys.services import APART, NotAsked, answer, ask, take_back
from ranking.catalogue.models import Event, Item
from ranking.data.schema import Action
from tests.compliance.controls.made import act, adult, document, list_of
from tests.conftest import World


@pytest.fixture
def always(settings: Any) -> None:
    """Every list is drawn."""
    settings.SURVEY_SHARE = 1.0


def asked(subject: Subject, question: Question) -> StatedPreference:
    """A list under which that question is drawn."""
    for _ in range(60):
        slate = list_of(subject)
        StatedPreference.objects.filter(subject=subject).delete()
        held = ask(subject=subject, serve_id=slate.serve_id, now=timezone.now())
        if held is not None and held.question == question:
            return held
    raise AssertionError(f"{question} was not drawn under 60 lists")


def recorded(serve_id: UUID, **plan: Any) -> dict[str, Any]:
    """As much of a record as the draw reads."""
    items = [{"item_id": number} for number in range(1, 13)]
    return {"id": str(serve_id), "plan": {"survey": "asked", **plan}, "output": {"items": items}}


def test_the_draw_has_its_share_and_the_record_repeats_it() -> None:
    ids = [UUID(int=number * 2**64 + 1) for number in range(20_000)]
    drawn = [one for one in ids if is_drawn(one, 0.05)]
    assert 900 < len(drawn) < 1100
    questions = [question_of(recorded(one), 0.05) for one in drawn]
    assert questions == [question_of(recorded(one), 0.05) for one in drawn]
    counts = [sum(one is not None and one.question is each for one in questions) for each in Question]
    assert min(counts) > len(drawn) / 3 * 0.8
    assert len({one.item_id for one in questions if one is not None and one.question is Question.ITEM}) == 12


def test_whose_plan_does_not_say_so_is_never_asked(world: World, always: None) -> None:
    assert question_of(recorded(uuid.uuid4(), survey="never"), 1.0) is None
    for name in ("kim", "sam"):
        minor = world.subject(name)
        slate = list_of(minor)
        assert document(slate)["plan"]["survey"] == "never"
        assert ask(subject=minor, serve_id=slate.serve_id, now=timezone.now()) is None
    assert not StatedPreference.objects.exists()


def test_nobody_is_asked_twice_in_a_week_answered_or_not(world: World, always: None) -> None:
    someone, now = adult(world), timezone.now()
    first, second = list_of(someone), list_of(someone)
    held = ask(subject=someone, serve_id=first.serve_id, now=now)
    assert held is not None
    assert ask(subject=someone, serve_id=first.serve_id, now=now) == held
    assert ask(subject=someone, serve_id=second.serve_id, now=now + APART - timedelta(seconds=1)) is None
    assert ask(subject=someone, serve_id=second.serve_id, now=now + APART + timedelta(seconds=1)) is not None


def test_another_persons_list_is_not_asked_about_or_answered(world: World, always: None) -> None:
    someone, other = adult(world), adult(world)
    slate = list_of(someone)
    assert ask(subject=other, serve_id=slate.serve_id, now=timezone.now()) is None
    assert ask(subject=someone, serve_id=slate.serve_id, now=timezone.now()) is not None
    with pytest.raises(NotAsked):
        answer(subject=other, serve_id=slate.serve_id, answer=3)
    with pytest.raises(NotAsked):
        take_back(subject=other, serve_id=slate.serve_id)


def test_less_of_a_topic_holds_against_whatever_is_done_until_it_is_changed(world: World, always: None) -> None:
    someone = adult(world)
    held = asked(someone, Question.TOPIC)
    assert held.topic
    answer(subject=someone, serve_id=held.serve_id, answer=1)
    for item in Item.objects.filter(topics__contains=[held.topic]).order_by("id")[:20]:
        act(someone, item.pk, Action.LIKE)
        act(someone, item.pk, Action.LONG_VIEW)
    assert document(list_of(someone))["plan"]["adjustments"] == [["topic", held.topic, -150]]
    answer(subject=someone, serve_id=held.serve_id, answer=5)
    assert document(list_of(someone))["plan"]["adjustments"] == [["topic", held.topic, 150]]
    take_back(subject=someone, serve_id=held.serve_id)
    assert document(list_of(someone))["plan"]["adjustments"] == []


def test_no_answer_touches_a_mute(world: World, always: None) -> None:
    someone = adult(world)
    held = asked(someone, Question.TOPIC)
    set_control(subject=someone, kind="topic", target=held.topic, value="mute")
    for number in (5, 3, 1):
        answer(subject=someone, serve_id=held.serve_id, answer=number)
    assert Control.objects.get(subject=someone).value == "mute"


def test_a_rating_of_a_film_goes_into_the_history_as_what_was_said(world: World, always: None) -> None:
    someone = adult(world)
    held = asked(someone, Question.ITEM)
    for _ in range(2):
        answer(subject=someone, serve_id=held.serve_id, answer=4)
    event = Event.objects.get(subject_id=someone.id)
    assert (event.action, event.item_id, event.serve_id) == (Action.RATED_4, held.item_id, held.serve_id)


def test_an_opinion_of_a_list_moves_nothing(world: World, always: None) -> None:
    someone = adult(world)
    held = asked(someone, Question.WORTH)
    answer(subject=someone, serve_id=held.serve_id, answer=1)
    assert not Control.objects.filter(subject=someone).exists()
    assert not Event.objects.filter(subject_id=someone.id).exists()


def test_every_answer_is_on_record_and_only_1_to_5_is_one(world: World, always: None) -> None:
    someone = adult(world)
    held = asked(someone, Question.WORTH)
    for wrong in (0, 6, -1):
        with pytest.raises(ControlRefused):
            answer(subject=someone, serve_id=held.serve_id, answer=wrong)
        with pytest.raises(IntegrityError), transaction.atomic():
            StatedPreference.objects.filter(pk=held.pk).update(answer=wrong)
    answer(subject=someone, serve_id=held.serve_id, answer=2)
    take_back(subject=someone, serve_id=held.serve_id)
    events = AuditEvent.objects.filter(kind="stated_preference", pseudonym=someone.pseudonym).order_by("id")
    assert [document_of(event)["answer"] for event in events] == [2, 0]


def test_the_commonest_topic_is_the_same_whatever_the_order() -> None:
    assert commonest([["B", "A"], ["A", "B"], ["C"]]) == "A"
    assert commonest([[], []]) == ""


@pytest.mark.usefixtures("always")
def test_what_was_asked_before_somebody_started_again_is_not_answered(world: World) -> None:
    person = adult(world)
    held = asked(person, Question.WORTH)
    start_again(subject=person)
    with pytest.raises(NotAsked):
        answer(subject=person, serve_id=held.serve_id, answer=5)
    with pytest.raises(NotAsked):
        take_back(subject=person, serve_id=held.serve_id)
    assert StatedPreference.objects.filter(subject=person).exists()
    start_again(subject=person, also_declared=True)
    assert not StatedPreference.objects.filter(subject=person).exists()
