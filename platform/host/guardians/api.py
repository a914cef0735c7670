"""API v1 of guardians and limits: the same services, rules and signs as the pages."""

from __future__ import annotations

from typing import Any, Final

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from compliance.limits.setting import TARGETS, clear_limit, set_limit
from compliance.subjects import guardians, guarding
from compliance.subjects.models import Guardianship
from host.api.fields import Choice, StrictSerializer, WholeNumber, validated
from host.api.parsers import MAX_INTEGER
from host.api.schema import errors
from host.api.views import JSONView, asker
from host.guardians.selectors import guardians_page

REFUSALS: Final = (400, 401, 403, 404, 409, 413, 415, 429, 503)


class LinkView(JSONView):
    """A view about a link, which is not there for anybody who is not on its side of it."""

    throttle_scope = "events"

    def handle_exception(self, exc: Exception) -> Response:
        """Answer 404 for a link that is not the asker's."""
        return super().handle_exception(NotFound() if isinstance(exc, Guardianship.DoesNotExist) else exc)


class LimitInput(StrictSerializer):
    """A limit; an empty value takes it back."""

    target = Choice(choices=list(TARGETS.items()))
    value = serializers.CharField(max_length=8, allow_blank=True)


class GuardiansView(LinkView):
    """Links, looks and limits of one's own."""

    class GuardiansOutput(serializers.Serializer[Any]):
        """Guardians, children, and every look at one's own account."""

        class LinkOutput(serializers.Serializer[Any]):
            """A link, with what its guardian may use."""

            id = serializers.IntegerField()
            name = serializers.CharField()
            tools = serializers.ListField(child=serializers.CharField())

        class LookOutput(serializers.Serializer[Any]):
            """A look of a guardian."""

            who = serializers.CharField()
            what = serializers.CharField()
            at = serializers.DateTimeField()

        guardians = LinkOutput(many=True)
        children = LinkOutput(many=True)
        looks = LookOutput(many=True)
        minutes_today = serializers.IntegerField()

    @extend_schema(operation_id="guardians", responses={200: GuardiansOutput, **errors(400, 401, 403, 429, 503)})
    def get(self, request: Request) -> Response:
        """Return who guards whom, and who looked: a client shows a child this sign (`monitored_sign`)."""
        page = guardians_page(subject=asker(request), now=timezone.now())
        return Response(self.GuardiansOutput(page).data)


class CodesView(LinkView):
    """Codes of a guardian."""

    class CodeOutput(serializers.Serializer[Any]):
        """The code, shown once."""

        code = serializers.CharField()

    @extend_schema(operation_id="guardians_code", request=None, responses={201: CodeOutput, **errors(*REFUSALS)})
    def post(self, request: Request) -> Response:
        """Make a code for a child to answer; it holds for a day."""
        return Response({"code": guardians.invite(guardian=asker(request), now=timezone.now())}, status=201)


class AnswersView(LinkView):
    """Answers of children, and their confirmation."""

    class AnswerInput(StrictSerializer):
        """A guardian's code."""

        code = serializers.CharField(max_length=40)

    class AnswerOutput(serializers.Serializer[Any]):
        """The invite that was answered: its guardian confirms it by this id."""

        invite = serializers.IntegerField()

    @extend_schema(
        operation_id="guardians_answer", request=AnswerInput, responses={201: AnswerOutput, **errors(*REFUSALS)}
    )
    def post(self, request: Request) -> Response:
        """Answer a code as the child."""
        given = validated(self.AnswerInput(data=request.data))
        answered = guardians.answer(child=asker(request), code=given["code"], now=timezone.now())
        return Response({"invite": answered.pk}, status=201)


class ConfirmationsView(LinkView):
    """Confirmations of guardians."""

    class ConfirmationInput(StrictSerializer):
        """The invite that was answered."""

        invite = WholeNumber(min_value=1, max_value=MAX_INTEGER)

    class ConfirmationOutput(serializers.Serializer[Any]):
        """The link."""

        link = serializers.IntegerField()

    @extend_schema(
        operation_id="guardians_confirm",
        request=ConfirmationInput,
        responses={201: ConfirmationOutput, **errors(*REFUSALS)},
    )
    def post(self, request: Request) -> Response:
        """Confirm, as the guardian, who answered."""
        given = validated(self.ConfirmationInput(data=request.data))
        link = guardians.confirm(guardian=asker(request), invite_id=given["invite"], now=timezone.now())
        return Response({"link": link.pk}, status=201)


class LooksView(LinkView):
    """Looks of a guardian."""

    class LookInput(StrictSerializer):
        """What to look at."""

        what = Choice(choices=[(what, what) for what in guarding.LOOKS])

    class SeenOutput(serializers.Serializer[Any]):
        """Minutes of the last days, or topics."""

        class DayOutput(serializers.Serializer[Any]):
            """One day, in whole minutes."""

            day = serializers.DateField()
            minutes = serializers.IntegerField()
            night_minutes = serializers.IntegerField()

        what = serializers.CharField()
        days = DayOutput(many=True)
        topics = serializers.ListField(child=serializers.CharField())

    @extend_schema(operation_id="guardians_look", request=LookInput, responses={201: SeenOutput, **errors(*REFUSALS)})
    def post(self, request: Request, link_id: int) -> Response:
        """Look: on record, and shown to the child, before this answers."""
        given = validated(self.LookInput(data=request.data))
        seen = guarding.look(guardian=asker(request), link_id=link_id, what=given["what"], now=timezone.now())
        return Response(self.SeenOutput(seen).data, status=201)


class ChildLimitsView(LinkView):
    """A guardian's limits for a child."""

    @extend_schema(operation_id="guardians_limit", request=LimitInput, responses={204: None, **errors(*REFUSALS)})
    def put(self, request: Request, link_id: int) -> Response:
        """Set a limit that the child cannot loosen."""
        guarding.limit_child(guardian=asker(request), link_id=link_id, **validated(LimitInput(data=request.data)))
        return Response(status=204)


class ParentalConsentView(LinkView):
    """Parental consent."""

    class ParentalInput(StrictSerializer):
        """Given or withdrawn."""

        granted = serializers.BooleanField()

    @extend_schema(operation_id="guardians_consent", request=ParentalInput, responses={204: None, **errors(*REFUSALS)})
    def put(self, request: Request, link_id: int) -> Response:
        """Give it, as a verified adult, or withdraw it: it binds the child's next plan."""
        given = validated(self.ParentalInput(data=request.data))
        guardians.decide_for(guardian=asker(request), link_id=link_id, granted=given["granted"])
        return Response(status=204)


class UnlinkView(LinkView):
    """The end of a link."""

    @extend_schema(operation_id="guardians_unlink", responses={204: None, **errors(401, 403, 404, 409, 429, 503)})
    def delete(self, request: Request, link_id: int) -> Response:
        """End it: a guardian at any time, a child from 16."""
        guardians.unlink(subject=asker(request), link_id=link_id)
        return Response(status=204)


class OwnLimitsView(LinkView):
    """One's own limits."""

    @extend_schema(operation_id="limits_set", request=LimitInput, responses={204: None, **errors(*REFUSALS)})
    def put(self, request: Request) -> Response:
        """Set a limit of one's own, or take it back; a guardian's stays."""
        subject, given = asker(request), validated(LimitInput(data=request.data))
        if given["value"]:
            set_limit(subject=subject, target=given["target"], value=given["value"])
        else:
            clear_limit(subject=subject, target=given["target"])
        return Response(status=204)
