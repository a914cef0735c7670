"""API v1 of statements of reasons: one's own, complaints about them, and the moderators' side."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from compliance.statements.complaints import complain
from compliance.statements.errors import AlreadyDecided, ComplaintRefused, DecisionRefused, NotReviewable
from compliance.statements.evidence import accept
from compliance.statements.models import Complaint, Reconciliation, Statement
from compliance.statements.reading import complaint_of, open_complaints, own_statement, statements_of
from compliance.statements.services import mark_read
from host.api.fields import validated
from host.api.refusal import Refusal
from host.api.views import JSONView, asker
from host.statements import shapes
from host.statements.access import Moderates, moderator_behind
from host.statements.services import actor_of, note_look, review, take_decision
from host.statements.shapes import refusals
from host.statements.shown import shown_complaint, shown_statement

MOST_COMPLAINT_BYTES: Final = 4 * 1024 * 1024
MOST_WAITING: Final = 100


class StatementsView(JSONView):
    """What was decided about one's own items."""

    throttle_scope = "statements"
    query_class = shapes.Page

    @extend_schema(operation_id="statements_list", responses={200: shapes.StatementsShape, **refusals()})
    def get(self, request: Request) -> Response:
        """Return a page of one's own statements, newest first."""
        limit, found = self.asked["limit"], statements_of(asker(request))
        if after := self.asked.get("after"):
            found = found.filter(pk__lt=after)
        page = [shown_statement(one) for one in found[: limit + 1]]
        following = page[limit - 1].id if len(page) > limit else None
        return Response(shapes.StatementsShape({"statements": page[:limit], "next": following}).data)


class StatementView(JSONView):
    """One statement."""

    throttle_scope = "statements"

    @extend_schema(operation_id="statement", responses={200: shapes.StatementShape, **refusals(404)})
    def get(self, request: Request, decision_id: UUID) -> Response:
        """Return one of one's own statements whole, with one's complaints and their answers."""
        found = _own(request, decision_id)
        mark_read(statement=found, subject=asker(request))
        return Response(shapes.StatementShape(shown_statement(found)).data)


class ComplaintsView(JSONView):
    """Complaining about a decision."""

    throttle_scope = "complaints"
    max_bytes = MOST_COMPLAINT_BYTES

    @extend_schema(
        operation_id="statement_complain",
        request=shapes.ComplaintInput,
        responses={201: shapes.ComplaintShape, **refusals(404, 413, 415, 422)},
    )
    def post(self, request: Request, decision_id: UUID) -> Response:
        """Complain, free of charge, within six months (DSA Art. 20). A person who did not decide looks at it."""
        given = validated(shapes.ComplaintInput(data=request.data))
        found = _own(request, decision_id)
        try:
            files = [accept(name=file["name"], content=file["content_base64"]) for file in given["evidence"]]
            made = complain(statement=found, complainant=asker(request), text=given["text"], evidence=files)
        except ComplaintRefused as error:
            raise Refusal(str(error), status=422) from error
        return Response(shapes.ComplaintShape(shown_complaint(made)).data, status=201)


class QueueView(JSONView):
    """The moderators' queue."""

    permission_classes = (IsAuthenticated, Moderates)
    throttle_scope = "statements"

    @extend_schema(operation_id="statements_queue", responses={200: shapes.QueueShape, **refusals()})
    def get(self, request: Request) -> Response:
        """Return complaints that wait, the oldest first, 100 at most. For moderators."""
        waiting = open_complaints()
        listed = [
            {
                "id": one.id,
                "made_at": one.made_at,
                "decision": one.statement_id,
                "decided_by": one.decision.decided_by.name,
            }
            for one in waiting[:MOST_WAITING]
        ]
        return Response(shapes.QueueShape({"complaints": listed, "waiting": waiting.count()}).data)


class ReviewView(JSONView):
    """One complaint, for a moderator."""

    permission_classes = (IsAuthenticated, Moderates)
    throttle_scope = "statements"

    @extend_schema(operation_id="statements_review", responses={200: shapes.ReviewedShape, **refusals(404)})
    def get(self, request: Request, complaint_id: UUID) -> Response:
        """Return a complaint with the statement that it is about. The look is on record first. For moderators."""
        found = _complaint(complaint_id)
        note_look(user=moderator_behind(request), path=request.path)
        return Response(_reviewed(found))


class OutcomeView(JSONView):
    """The answer to a complaint."""

    permission_classes = (IsAuthenticated, Moderates)
    throttle_scope = "complaints"

    @extend_schema(
        operation_id="statements_close",
        request=shapes.OutcomeInput,
        responses={201: shapes.ReviewedShape, **refusals(404, 409, 413, 415, 422)},
    )
    def post(self, request: Request, complaint_id: UUID) -> Response:
        """Close a complaint with reasons; upholding reverses the decision. For moderators who did not decide."""
        given, found = validated(shapes.OutcomeInput(data=request.data)), _complaint(complaint_id)
        user = moderator_behind(request)
        try:
            review(complaint=found, user=user, outcome=given["outcome"], reasons=given["reasons"])
        except NotReviewable as error:
            raise Refusal(str(error), status=409) from error
        except ComplaintRefused as error:
            raise Refusal(str(error), status=422) from error
        return Response(_reviewed(_complaint(complaint_id)), status=201)


class DecisionsView(JSONView):
    """Taking decisions."""

    permission_classes = (IsAuthenticated, Moderates)
    throttle_scope = "complaints"

    @extend_schema(
        operation_id="statements_decide",
        request=shapes.DecisionInput,
        responses={201: shapes.DecidedShape, **refusals(409, 413, 415, 422)},
    )
    def post(self, request: Request) -> Response:
        """Restrict an item; its statement is made and delivered with it, or nothing is. For moderators."""
        given = validated(shapes.DecisionInput(data=request.data))
        user = moderator_behind(request)
        new = shapes.new_decision(given, actor_of(user))
        try:
            decision = take_decision(service=settings.SERVICE, new=new, user=user)
        except DecisionRefused as error:
            raise Refusal(str(error), status=422) from error
        except AlreadyDecided as error:
            raise Refusal(str(error), status=409, extra={"decision": str(error.decision_id)}) from error
        return Response(shapes.DecidedShape({"id": decision.id, "statement": decision.statement.text}).data, status=201)


class ReconciliationView(JSONView):
    """How well what was published agrees with what was decided."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="statements_reconciliation",
        auth=[],
        responses={200: shapes.ReconciliationShape, **refusals()},
    )
    def get(self, request: Request) -> Response:
        """Return the last weekly comparison, for everybody: fields compared, and those that disagree, by name."""
        last = Reconciliation.objects.order_by("-pk").first()
        shown = {
            "made_at": last and last.made_at,
            "statements": last.statements if last else 0,
            "fields_compared": last.fields if last else 0,
            "mismatches": last.mismatches if last else 0,
            "by_field": last.by_field if last else {},
        }
        return Response(shapes.ReconciliationShape(shown).data)


def _own(request: Request, decision_id: UUID) -> Statement:
    try:
        return own_statement(subject=asker(request), decision_id=decision_id)
    except Statement.DoesNotExist as error:
        raise NotFound from error


def _complaint(complaint_id: UUID) -> Complaint:
    try:
        return complaint_of(complaint_id)
    except Complaint.DoesNotExist as error:
        raise NotFound from error


def _reviewed(found: Complaint) -> Any:
    return shapes.ReviewedShape(
        {
            "complaint": shown_complaint(found),
            "decision": found.statement_id,
            "decided_by": found.decision.decided_by.name,
            "statement": found.statement.text,
        }
    ).data
