"""API v1: everything that a person controls, in one document; set, taken back, and started again."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from compliance.subjects.controls import start_again
from compliance.subjects.models import FeedMode, Subject, Surface
from compliance.subjects.offered import objectives_of
from compliance.subjects.selectors import declared
from compliance.subjects.stated import hidden_items, own_controls, own_follows
from compliance.subjects.stating import SWITCHES
from host.api.fields import Choice, StrictSerializer
from host.api.schema import errors
from host.api.views import JSONView, asker
from host.dashboard.controls_services import CHOICES, change

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
        "hidden_items": [item.pk for item in hidden_items(subject)],
        "signals": SWITCHES,
        "objectives": objectives_of(subject.service),
        "epoch": subject.epoch,
        "history_since": subject.history_since,
    }
