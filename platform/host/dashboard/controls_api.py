"""API v1: everything that a person controls, in one document; set, taken back, and started again."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from compliance.subjects.controls import start_again
from compliance.subjects.models import FeedMode, Subject, Surface
from compliance.subjects.offered import objectives_of
from compliance.subjects.selectors import declared
from compliance.subjects.stated import hidden_items, own_controls, own_follows
from compliance.subjects.stating import SWITCHES
from compliance.surveys.models import LEAST, MOST, Question
from compliance.surveys.services import NotAsked, answer, ask, take_back
from host.api.fields import Choice, StrictSerializer, WholeNumber
from host.api.schema import errors
from host.api.views import JSONView, asker
from host.dashboard.controls_services import CHOICES, change
from host.dashboard.selectors import showable

LONGEST: Final = 60


class ControlsOutput(serializers.Serializer[Any]):
    """Everything that somebody set, and what may be set."""

    class Order(serializers.Serializer[Any]):
        """The order chosen for a surface; null where none was."""

        surface = serializers.ChoiceField(choices=Surface.choices)
        feed_mode = serializers.ChoiceField(choices=FeedMode.choices, allow_null=True)

    class Set(serializers.Serializer[Any]):
        """One control. A guardian's is shown, and only they take it back."""

        kind = serializers.CharField()
        target = serializers.CharField(allow_blank=True)
        value = serializers.CharField()
        by_guardian = serializers.BooleanField()
        set_at = serializers.DateTimeField()

    class Followed(serializers.Serializer[Any]):
        """A topic, or a creator with their number."""

        topic = serializers.CharField(allow_blank=True)
        creator = serializers.IntegerField(allow_null=True)
        name = serializers.CharField(allow_blank=True)
        close = serializers.BooleanField()

    orders = Order(many=True)
    controls = Set(many=True)
    follows = Followed(many=True)
    hidden_items = serializers.ListField(child=serializers.IntegerField())
    signals = serializers.ListField(child=serializers.CharField())
    objectives = serializers.ListField(child=serializers.CharField())
    epoch = serializers.IntegerField()
    history_since = serializers.DateTimeField(allow_null=True)


class ControlsView(JSONView):
    """Everything that the asker controls."""

    throttle_scope = "events"

    class ControlInput(StrictSerializer):
        """One change. An empty `value` takes it back: as easy out as in (DSA Art. 25)."""

        kind = Choice(choices=CHOICES)
        target = serializers.CharField(max_length=LONGEST, allow_blank=True, trim_whitespace=False)
        value = serializers.CharField(max_length=16, allow_blank=True, trim_whitespace=False)

    @extend_schema(operation_id="controls_read", responses={200: ControlsOutput, **errors(400, 401, 403, 429, 503)})
    def get(self, request: Request) -> Response:
        """Return what is set. Signals and objectives that would do nothing here are not among those on offer."""
        return Response(ControlsOutput(_document(asker(request))).data)

    @extend_schema(
        operation_id="controls_change",
        request=ControlInput,
        responses={200: ControlsOutput, **errors(400, 401, 403, 409, 413, 415, 422, 429, 503)},
    )
    def put(self, request: Request) -> Response:
        """Set one control, or take it back; the very next list follows. Sending it again changes nothing."""
        given = self.ControlInput(data=request.data)
        given.is_valid(raise_exception=True)
        subject = asker(request)
        change(subject=subject, **given.validated_data)
        return Response(ControlsOutput(_document(subject)).data)


class StartAgainView(JSONView):
    """Start again: nothing that was done before is an input of a list again."""

    throttle_scope = "events"

    class StartInput(StrictSerializer):
        """Whether follows, hidden items and wishes go too."""

        also_declared = serializers.BooleanField(default=False)

    @extend_schema(
        operation_id="controls_start_again",
        request=StartInput,
        responses={200: ControlsOutput, **errors(400, 401, 403, 413, 415, 429, 503)},
    )
    def post(self, request: Request) -> Response:
        """Begin a new epoch. It cannot be taken back: earlier lists stay on record, out of everybody's sight."""
        given = self.StartInput(data=request.data)
        given.is_valid(raise_exception=True)
        subject = asker(request)
        start_again(subject=subject, also_declared=given.validated_data["also_declared"])
        return Response(ControlsOutput(_document(subject)).data)


class SurveyView(JSONView):
    """The question under one list of the asker's own, if one was drawn, and its answer."""

    throttle_scope = "events"

    class SurveyAnswerInput(StrictSerializer):
        """1 to 5; null takes the answer back."""

        answer = WholeNumber(min_value=LEAST, max_value=MOST, allow_null=True)

    class SurveyOutput(serializers.Serializer[Any]):
        """What was asked, about what, and what was answered."""

        serve_id = serializers.UUIDField()
        question = serializers.ChoiceField(choices=Question.choices)
        words = serializers.CharField(source="get_question_display")
        topic = serializers.CharField(allow_blank=True)
        item = serializers.IntegerField(source="item_id", allow_null=True)
        answer = serializers.IntegerField(allow_null=True)

    @extend_schema(operation_id="survey_read", responses={200: SurveyOutput, **errors(400, 401, 403, 404, 429, 503)})
    def get(self, request: Request, serve_id: UUID) -> Response:
        """Ask. 404 under most lists: few are drawn, nobody is asked twice in a week, and minors are not asked."""
        asked = ask(subject=asker(request), serve_id=serve_id, now=timezone.now())
        if asked is None:
            raise NotFound
        return Response(self.SurveyOutput(asked).data)

    @extend_schema(
        operation_id="survey_answer",
        request=SurveyAnswerInput,
        responses={200: SurveyOutput, **errors(400, 401, 403, 404, 413, 415, 429, 503)},
    )
    def put(self, request: Request, serve_id: UUID) -> Response:
        """Answer, or take the answer back. What an answer does is said in docs/controls.md."""
        given = self.SurveyAnswerInput(data=request.data)
        given.is_valid(raise_exception=True)
        subject, said = asker(request), given.validated_data["answer"]
        try:
            asked = (
                take_back(subject=subject, serve_id=serve_id)
                if said is None
                else answer(subject=subject, serve_id=serve_id, answer=said)
            )
        except NotAsked as error:
            raise NotFound from error
        return Response(self.SurveyOutput(asked).data)


def _document(subject: Subject) -> dict[str, Any]:
    said = dict(declared(subject).choices)
    return {
        "orders": [{"surface": surface, "feed_mode": said.get(surface)} for surface in Surface.values],
        "controls": own_controls(subject),
        "follows": [
            {
                "topic": one.topic,
                "creator": one.creator.pk if one.creator else None,
                "name": one.creator.name if one.creator else "",
                "close": one.close,
            }
            for one in own_follows(subject)
        ],
        "hidden_items": [item.pk for item in hidden_items(subject, shown=showable(subject=subject, surface="home"))],
        "signals": SWITCHES,
        "objectives": objectives_of(subject.service),
        "epoch": subject.epoch,
        "history_since": subject.history_since,
    }
