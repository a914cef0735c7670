"""API v1: a slate, the order of a surface, events, and the record of a slate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from compliance.audit.models import ServeRecord
from compliance.audit.selectors import record_of
from compliance.policy.services import choose_feed
from compliance.serving.door import serve
from compliance.serving.types import Context, Slate
from compliance.subjects.models import FeedMode, Surface
from host.accounts.models import Role
from host.api.fields import CanonicalUUID, Choice, PastMoment, StrictSerializer, WholeNumber, validated
from host.api.parsers import MAX_INTEGER
from host.api.refusal import Refusal
from host.api.schema import errors
from host.api.views import JSONView, asker, idempotency_key
from host.dashboard.selectors import ServedSlate, labels_in, own_slates
from host.dashboard.services import react
from ranking.catalogue.selectors import items_by_id
from ranking.catalogue.services import NewEvent
from ranking.data.schema import Action

AUDIT_API: Final = (
    "This is not your own record. Every view by a regulator is put on record, with its reason, so other people's "
    "records are at /api/v1/audit/records/ alone."
)
MAX_EVENTS: Final = 100
MAX_SLATE: Final = 24
MAX_DWELL_MS: Final = 24 * 3600 * 1000
# What a page may say that a person did. Follows, comments and reports have rooms of their own: not available here.
ACTIONS: Final = {
    action.name.lower(): action
    for action in (
        Action.SEEN,
        Action.CLICK,
        Action.DWELL,
        Action.LONG_VIEW,
        Action.LIKE,
        Action.MORE,
        Action.FORWARD,
        Action.NOT_INTERESTED,
        Action.RATED_1,
        Action.RATED_2,
        Action.RATED_3,
        Action.RATED_4,
        Action.RATED_5,
    )
}


class ReasonOutput(serializers.Serializer[Any]):
    """Which rule decided what, under which law."""

    field = serializers.CharField()
    rule = serializers.CharField()
    law = serializers.CharField()
    words = serializers.CharField()


class FeedView(JSONView):
    """Serve a slate."""

    throttle_scope = "feed"

    class FeedInput(StrictSerializer):
        """Where the list is shown, about which item (the related list only), and how long it may be."""

        surface = Choice(choices=Surface.choices)
        item = WholeNumber(min_value=1, max_value=MAX_INTEGER, required=False)
        size = WholeNumber(min_value=1, max_value=MAX_SLATE, default=12)

        def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
            """Only the related list is about an item."""
            if (attrs["surface"] == Surface.RELATED) != ("item" in attrs):
                raise serializers.ValidationError({"item": ["The related list needs an item, and only it takes one."]})
            return attrs

    class FeedOutput(serializers.Serializer[Any]):
        """A slate as it was recorded. Scores are null where nothing was scored: never 0."""

        class ItemOutput(serializers.Serializer[Any]):
            """One place of the slate."""

            rank = serializers.IntegerField()
            id = serializers.IntegerField()
            title = serializers.CharField()
            topics = serializers.ListField(child=serializers.CharField())
            labels = serializers.ListField(child=serializers.CharField(), help_text="What moderation says of it.")
            source = serializers.CharField()  # type: ignore[assignment]
            explored = serializers.BooleanField()
            scores = serializers.DictField(child=serializers.FloatField(), allow_null=True)
            blended = serializers.FloatField(allow_null=True)
            propensity = serializers.FloatField()

        serve_id = serializers.UUIDField()
        surface = serializers.ChoiceField(choices=Surface.choices)
        feed_mode = serializers.ChoiceField(choices=FeedMode.choices)
        offered_modes = serializers.ListField(child=serializers.CharField())
        items = ItemOutput(many=True)
        applied_weights = serializers.DictField(child=serializers.FloatField())
        reasons = ReasonOutput(many=True)
        ui = serializers.ListField(child=serializers.CharField())
        shortfall = serializers.CharField(allow_blank=True)
        model_sha256 = serializers.CharField(allow_blank=True)
        replayed = serializers.BooleanField()

    @extend_schema(
        operation_id="feed_serve",
        request=FeedInput,
        responses={200: FeedOutput, **errors(400, 401, 403, 404, 409, 413, 415, 429, 503)},
        parameters=[
            OpenApiParameter(
                name="Idempotency-Key",
                location=OpenApiParameter.HEADER,
                description="1 to 64 of A-Z a-z 0-9 . : _ -. The same key gives the same slate and adds no record.",
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Serve one slate through the door; it is on record before this answers."""
        key, given = idempotency_key(request), validated(self.FeedInput(data=request.data))
        subject = asker(request)
        context = Context(
            surface=given["surface"],
            now=timezone.now(),
            timezone=subject.timezone,
            device="api",
            anchor_id=given.get("item"),
            slate_size=given["size"],
        )
        slate = serve(subject=subject, context=context, idempotency_key=key)
        return Response(self.FeedOutput(_slate_document(slate)).data)


class FeedModeView(JSONView):
    """Choose the order of a surface."""

    throttle_scope = "events"

    class ModeInput(StrictSerializer):
        """A surface and the order chosen for it."""

        surface = Choice(choices=Surface.choices)
        feed_mode = Choice(choices=FeedMode.choices)

    class ModeOutput(serializers.Serializer[Any]):
        """The choice as stored."""

        surface = serializers.CharField()
        feed_mode = serializers.CharField()
        chosen_at = serializers.DateTimeField()

    @extend_schema(
        operation_id="feed_mode_choose",
        request=ModeInput,
        responses={200: ModeOutput, **errors(400, 401, 403, 409, 413, 415, 429, 503)},
    )
    def put(self, request: Request) -> Response:
        """Store the choice; it holds until chosen again (DSA Art. 38). 409 names the rule that does not offer it."""
        given = validated(self.ModeInput(data=request.data))
        choice = choose_feed(subject=asker(request), surface=given["surface"], feed_mode=given["feed_mode"])
        return Response(self.ModeOutput(choice).data)


class EventsView(JSONView):
    """Record what a person did."""

    throttle_scope = "events"

    class EventsInput(StrictSerializer):
        """1 to 100 events."""

        class EventInput(StrictSerializer):
            """One event. The client makes the id: sending it again adds nothing."""

            id = CanonicalUUID()
            item = WholeNumber(min_value=1, max_value=MAX_INTEGER)
            action = Choice(choices=[(name, name) for name in ACTIONS])
            occurred_at = PastMoment()
            dwell_ms = WholeNumber(min_value=0, max_value=MAX_DWELL_MS, required=False)
            surface = Choice(choices=Surface.choices, required=False)
            serve_id = CanonicalUUID(required=False)

            def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
                """Only staying has a duration."""
                if (attrs["action"] == "dwell") != ("dwell_ms" in attrs):
                    raise serializers.ValidationError({"dwell_ms": ["A dwell needs it, and nothing else takes it."]})
                return attrs

        events = serializers.ListField(child=EventInput(), min_length=1, max_length=MAX_EVENTS)

    class EventsOutput(serializers.Serializer[Any]):
        """How many events were accepted, and how many of them were new."""

        accepted = serializers.IntegerField()
        new = serializers.IntegerField()

    @extend_schema(
        operation_id="events_record",
        request=EventsInput,
        responses={201: EventsOutput, **errors(400, 401, 403, 413, 415, 422, 429, 503)},
    )
    def post(self, request: Request) -> Response:
        """Accept the whole batch or none of it. The very next slate sees it."""
        given = validated(self.EventsInput(data=request.data))["events"]
        _refuse_doubles(given)
        subject = asker(request)
        slates = own_slates(subject=subject, serve_ids={event["serve_id"] for event in given if "serve_id" in event})
        _refuse_foreign_serves(slates, given)
        _refuse_other_places(slates, given)
        new = react(subject=subject, events=[_new_event(event) for event in given])
        return Response(self.EventsOutput({"accepted": len(given), "new": new}).data, status=201)


class ServeView(JSONView):
    """The record of a slate."""

    throttle_scope = "feed"

    @extend_schema(
        operation_id="serve_record",
        responses={200: OpenApiTypes.OBJECT, **errors(400, 401, 403, 404, 429, 503)},
    )
    def get(self, request: Request, serve_id: UUID) -> Response:
        """Return the canonical document of one's own record. Numbers are exact, as text."""
        try:
            return Response(record_of(subject=asker(request), serve_id=serve_id))
        except ServeRecord.DoesNotExist as error:
            if getattr(request.user, "role", "") == Role.REGULATOR:
                raise Refusal(AUDIT_API, status=403) from error
            raise NotFound from error


def _slate_document(slate: Slate) -> dict[str, Any]:
    items, labels = items_by_id([place.item_id for place in slate.items]), labels_in(slate)
    return {
        **slate.__dict__,
        "items": [
            {
                **place.__dict__,
                "id": place.item_id,
                "title": items[place.item_id].title if place.item_id in items else "",
                "topics": items[place.item_id].topics if place.item_id in items else [],
                "labels": labels[place.item_id],
            }
            for place in slate.items
        ],
    }


def _new_event(given: dict[str, Any]) -> NewEvent:
    return NewEvent(
        id=given["id"],
        item_id=given["item"],
        action=ACTIONS[given["action"]],
        occurred_at=min(given["occurred_at"], timezone.now()),  # a client's clock that is fast writes no future
        dwell_ms=given.get("dwell_ms"),
        surface=given.get("surface", ""),
        serve_id=given.get("serve_id"),
    )


def _refuse_doubles(events: Iterable[dict[str, Any]]) -> None:
    ids = [event["id"] for event in events]
    if len(set(ids)) != len(ids):
        raise Refusal("Two events of the batch have the same id, so none was stored. Give each its own.", status=400)


def _refuse_foreign_serves(slates: Mapping[UUID, ServedSlate], events: Iterable[dict[str, Any]]) -> None:
    if foreign := {event["serve_id"] for event in events if "serve_id" in event} - slates.keys():
        raise Refusal(
            "An event names a slate that was not served to you, so none was stored. Send the serve_id that came with "
            "the slate, or none.",
            status=422,
            extra={"unknown_serves": sorted(str(serve_id) for serve_id in foreign)},
        )


def _refuse_other_places(slates: Mapping[UUID, ServedSlate], events: Iterable[dict[str, Any]]) -> None:
    """Refuse events that name a slate of theirs but not a place in it: what it led to would be counted wrongly."""
    wrong = [
        str(event["id"])
        for event in events
        if (slate := slates.get(event["serve_id"]) if "serve_id" in event else None)
        and (event["item"] not in slate.item_ids or event.get("surface", slate.surface) != slate.surface)
    ]
    if wrong:
        raise Refusal(
            "An event names a slate that did not hold its item, or was shown on another surface, so none was stored. "
            "Send the item and the surface of that slate, or leave serve_id out.",
            status=422,
            extra={"misplaced_events": wrong},
        )
