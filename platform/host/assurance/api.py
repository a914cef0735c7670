"""API v1 of a person's age group: a device can ask for the number, have it signed blind, and hand in the proof."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from compliance.assurance import services
from host.api.fields import Choice, StrictSerializer, validated
from host.api.schema import errors
from host.api.views import JSONView, asker
from host.assurance.forms import TIERS
from host.assurance.selectors import age_page
from host.guardians.api import REFUSALS


class AgeOutput(serializers.Serializer[Any]):
    """The age group that holds, and how it is known."""

    tier = serializers.CharField()
    assurance = serializers.CharField()
    expires_on = serializers.DateField(allow_null=True)
    asked_again = serializers.BooleanField()
    issuers = serializers.ListField(child=serializers.CharField())


class AgeInput(StrictSerializer):
    """An age group."""

    tier = Choice(choices=list(TIERS))


class AgeView(JSONView):
    """One's own age group."""

    throttle_scope = "events"

    @extend_schema(operation_id="age", responses={200: AgeOutput, **errors(400, 401, 403, 429, 503)})
    def get(self, request: Request) -> Response:
        """Return what holds now. There is no birth date to return."""
        return _answer(request)

    @extend_schema(operation_id="age_declare", request=AgeInput, responses={200: AgeOutput, **errors(*REFUSALS)})
    def put(self, request: Request) -> Response:
        """Say one's age group; an older one than holds takes a proof or a contest (409)."""
        given = validated(AgeInput(data=request.data))
        services.declare(subject=asker(request), tier=given["tier"], now=timezone.now())
        return _answer(request)


class NumbersView(JSONView):
    """Numbers that proofs are about."""

    throttle_scope = "events"

    class NumberOutput(serializers.Serializer[Any]):
        """64 hexadecimal digits; they hold for half an hour, for this person alone."""

        number = serializers.CharField()

    @extend_schema(operation_id="age_number", request=None, responses={201: NumberOutput, **errors(*REFUSALS)})
    def post(self, request: Request) -> Response:
        """Make a number; the one before is gone."""
        return Response({"number": services.challenge(subject=asker(request), now=timezone.now())}, status=201)


class ProofsView(JSONView):
    """Proofs of a provider."""

    throttle_scope = "events"

    class ProofInput(StrictSerializer):
        """The number, and the proof that a trusted provider signed for it without seeing it."""

        number = serializers.RegexField(r"\A[0-9a-f]{64}\Z")
        token = serializers.CharField(max_length=2000)

    @extend_schema(operation_id="age_prove", request=ProofInput, responses={200: AgeOutput, **errors(*REFUSALS)})
    def post(self, request: Request) -> Response:
        """Take a proof, once."""
        given = validated(self.ProofInput(data=request.data))
        services.redeem(subject=asker(request), now=timezone.now(), **given)
        return _answer(request)


class ContestsView(JSONView):
    """Contests."""

    throttle_scope = "events"

    @extend_schema(operation_id="age_contest", request=AgeInput, responses={200: AgeOutput, **errors(*REFUSALS)})
    def post(self, request: Request) -> Response:
        """Say that the age group is wrong: a person decides."""
        given = validated(AgeInput(data=request.data))
        services.contest(subject=asker(request), wanted=given["tier"], now=timezone.now())
        return _answer(request)


def _answer(request: Request) -> Response:
    page = age_page(subject=asker(request), now=timezone.now())
    said = {**page.standing.__dict__, "asked_again": page.asked_again, "issuers": page.issuers}
    return Response(AgeOutput(said).data)
