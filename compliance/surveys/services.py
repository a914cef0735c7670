"""Ask, answer, take back. What an answer does is the rule in `compliance.surveys`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from compliance.audit.events import note
from compliance.audit.models import ServeRecord
from compliance.audit.selectors import record_of
from compliance.subjects.controls import ControlRefused, clear_control, set_control
from compliance.subjects.models import Control, Subject
from compliance.surveys import drawing
from compliance.surveys.models import LEAST, MOST, Question, StatedPreference
from ranking.catalogue.selectors import items_by_id
from ranking.catalogue.services import NewEvent, record_events
from ranking.data.schema import Action

APART: Final = timedelta(days=7)
"""Nobody is asked again so soon after they were asked, answered or not (DSA Art. 25(3): no nagging)."""
LESS, MORE = 2, 4
"""Up to LESS is less of a topic, from MORE on more of it; in between is as it is."""
RATED: Final = (Action.RATED_1, Action.RATED_2, Action.RATED_3, Action.RATED_4, Action.RATED_5)


class NotAsked(LookupError):
    """Nothing was asked under this list, so there is nothing to answer."""


def ask(*, subject: Subject, serve_id: UUID, now: datetime) -> StatedPreference | None:
    """The question under a list of the subject's own; None where none is asked. Asking twice is asking once."""
    if not drawing.is_drawn(serve_id, settings.SURVEY_SHARE):  # most lists: nothing is read or written for them
        return None
    return _ask(subject, serve_id, now)


@transaction.atomic
def _ask(subject: Subject, serve_id: UUID, now: datetime) -> StatedPreference | None:
    asked = StatedPreference.objects.filter(subject=subject)
    held = asked.filter(serve_id=serve_id).first()
    if held is not None or asked.filter(asked_at__gt=now - APART).exists():
        return held
    try:
        document = record_of(subject=subject, serve_id=serve_id)
    except ServeRecord.DoesNotExist:
        return None
    drawn = drawing.question_of(document, settings.SURVEY_SHARE)
    if drawn is None:
        return None
    topic = _topic(document) if drawn.question is Question.TOPIC else ""
    question = Question.WORTH if drawn.question is Question.TOPIC and not topic else drawn.question
    made, _ = StatedPreference.objects.get_or_create(
        subject=subject,
        serve_id=serve_id,
        defaults={"question": question, "topic": topic, "item_id": drawn.item_id, "asked_at": now},
    )
    return made


@transaction.atomic
def answer(*, subject: Subject, serve_id: UUID, answer: int) -> StatedPreference:
    """Store an answer from 1 to 5, and do what the rule says. A later answer takes the place of an earlier one.

    Raises NotAsked, ControlRefused.
    """
    held = _asked(subject, serve_id)
    if not LEAST <= answer <= MOST:
        raise ControlRefused(f"An answer is a number from {LEAST} to {MOST}: nothing was stored.")
    if held.answer == answer:
        return held
    held.answer, held.answered_at = answer, timezone.now()
    held.save(update_fields=["answer", "answered_at"])
    _note(subject, held)
    if held.question == Question.TOPIC:
        _state(subject, held.topic, answer)
    if held.question == Question.ITEM and held.item_id is not None:
        _rate(subject, held, answer)
    return held


@transaction.atomic
def take_back(*, subject: Subject, serve_id: UUID) -> StatedPreference:
    """Take an answer back, with the wish that it stated. What was rated stays in the history, which is not rewritten.

    Raises NotAsked.
    """
    held = _asked(subject, serve_id)
    if held.answer is None:
        return held
    held.answer, held.answered_at = None, None
    held.save(update_fields=["answer", "answered_at"])
    _note(subject, held)
    if held.question == Question.TOPIC:
        _state(subject, held.topic, LESS + 1)
    return held


def _asked(subject: Subject, serve_id: UUID) -> StatedPreference:
    held = StatedPreference.objects.select_for_update().filter(subject=subject, serve_id=serve_id).first()
    since = subject.history_since
    if held is None or (since is not None and held.asked_at < since):  # of before they started again: it is gone
        raise NotAsked("Nothing was asked under this list, so there is nothing to answer.")
    return held


def _state(subject: Subject, topic: str, answer: int) -> None:
    """The topic's control follows the answer; a mute, which says more, stays."""
    if Control.objects.filter(subject=subject, kind="topic", target=topic, value="mute", by_guardian=False).exists():
        return
    if answer <= LESS:
        set_control(subject=subject, kind="topic", target=topic, value="less")
    elif answer >= MORE:
        set_control(subject=subject, kind="topic", target=topic, value="more")
    else:
        clear_control(subject=subject, kind="topic", target=topic)


def _rate(subject: Subject, held: StatedPreference, answer: int) -> None:
    """A rating is an event like every other, of those that were meant: models train on it under its own action."""
    record_events(
        service=subject.service,
        subject_id=subject.id,
        region=subject.region,
        events=[
            NewEvent(
                id=uuid5(held.serve_id, f"survey {held.item_id} {answer}"),
                item_id=held.item_id or 0,
                action=RATED[answer - LEAST],
                occurred_at=timezone.now(),
                serve_id=held.serve_id,
            )
        ],
    )


def _topic(document: dict[str, Any]) -> str:
    items = items_by_id([place["item_id"] for place in document["output"]["items"]])
    return drawing.commonest([item.topics for item in items.values()])


def _note(subject: Subject, held: StatedPreference) -> None:
    who = {"service": subject.service, "pseudonym": str(subject.pseudonym), "epoch": subject.epoch}
    what = {"serve_id": str(held.serve_id), "question": held.question, "topic": held.topic, "item": held.item_id or 0}
    note(
        kind="stated_preference",
        happened_at=timezone.now(),
        what={"by": who, **what, "answer": held.answer or 0},
        pseudonym=subject.pseudonym,
    )
