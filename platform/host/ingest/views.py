"""Ingest API v1: batches of decisions taken elsewhere, what is missing of them, and hourly counts."""

from __future__ import annotations

from typing import Any

import orjson
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from compliance.audit.ingest.backlog import Overloaded
from compliance.audit.ingest.batch import BatchRefused
from compliance.audit.ingest.document import MOST_BYTES
from compliance.audit.ingest.numbers import ranges_of
from compliance.audit.ingest.ranges import gaps, size
from compliance.audit.ingest.reconciling import ClaimRefused, reconcile
from compliance.audit.ingest.scanning import scan
from compliance.audit.ingest.services import NotDurable, SourceRevoked, record_batch
from compliance.audit.ingest.sources import Source
from compliance.audit.keys.errors import KeyBroken, VaultRefused
from host.api.refusal import Refusal
from host.api.schema import errors
from host.api.views import JSONView
from host.ingest.authentication import IsSource, KeyRefused, SourceKey
from host.ingest.shapes import (
    AcknowledgedShape,
    ClaimInput,
    DecisionsShape,
    GapsShape,
    ReconciledShape,
    reconciled,
)
from ranking.catalogue.clock import to_ms

KEYS_AWAY = (
    "The keys that decisions are sealed with cannot be read, so nothing was written. Keep the batch and send it again "
    "later; the operator has to look."
)
MOST_GAPS = 1_000


class IngestView(JSONView):
    """A view for sources alone."""

    authentication_classes = (SourceKey,)
    permission_classes = (IsSource,)
    throttle_scope = "ingest"


class DecisionsView(IngestView):
    """Decisions taken elsewhere."""

    max_bytes = MOST_BYTES
    quick_look = staticmethod(scan)

    @extend_schema(
        operation_id="ingest_decisions",
        request=DecisionsShape,
        responses={200: AcknowledgedShape, **errors(400, 401, 409, 413, 415, 429, 503)},
    )
    def post(self, request: Request) -> HttpResponse:
        """Put a batch on record, whole or not at all; the answer comes when it is on disk."""
        try:
            done = record_batch(source=_source(request), events=_events(request.data), now_ms=to_ms(timezone.now()))
        except BatchRefused as error:
            named = [{"place": one.place, "id": one.id, "problem": one.problem} for one in error.problems]
            extra = {"events": named, "count": error.count} if named else {}
            raise Refusal(str(error), status=409 if error.conflict else 400, extra=extra) from error
        except Overloaded as error:
            raise Refusal(str(error), status=429, retry_after=error.retry_after) from error
        except SourceRevoked as error:
            raise KeyRefused from error
        except NotDurable as error:
            raise Refusal(str(error), status=503, retry_after=60) from error
        except (KeyBroken, VaultRefused) as error:
            raise Refusal(KEYS_AWAY, status=503, retry_after=60) from error
        # Thousands of ids: written as JSON at once, not one by one.
        return HttpResponse(orjson.dumps(done), content_type="application/json")


class GapsView(IngestView):
    """What has not come."""

    @extend_schema(operation_id="ingest_gaps", responses={200: GapsShape, **errors(400, 401, 404, 429, 503)})
    def get(self, request: Request, name: str) -> Response:
        """Return the gaps between the source's sequence numbers, the first thousand of them."""
        ranges = ranges_of(_itself(request, name).name)
        found = gaps(ranges)
        highest = ranges[-1][1] if ranges else 0
        return Response({"highest": highest, "missing": size(found), "gaps": [list(gap) for gap in found[:MOST_GAPS]]})


class ReconciliationsView(IngestView):
    """Hourly counts."""

    @extend_schema(
        operation_id="ingest_reconcile",
        request=ClaimInput,
        responses={200: ReconciledShape, **errors(400, 401, 404, 413, 415, 429, 503)},
    )
    def post(self, request: Request, name: str) -> Response:
        """Compare how many decisions a source took in an hour with how many are on record. The result is on record."""
        source = _itself(request, name)
        claim = ClaimInput(data=request.data)
        claim.is_valid(raise_exception=True)
        hour_ms, count = claim.validated_data["hour_ms"], claim.validated_data["count"]
        try:
            found = reconcile(source=source.name, hour_ms=hour_ms, claimed=count, now=timezone.now())
        except ClaimRefused as error:
            raise Refusal(str(error), status=400) from error
        return Response(reconciled(found, hour_ms))


def _source(request: Request) -> Source:
    source = request.auth
    assert isinstance(source, Source)  # noqa: S101 - IsSource lets nobody else through
    return source


def _itself(request: Request, name: str) -> Source:
    """The source that the address names, which only it may see."""
    source = _source(request)
    if source.name != name:
        raise NotFound
    return source


def _events(data: Any) -> object:
    if data.keys() != {"events"}:
        raise Refusal(
            "The body is not an object of events alone, so nothing was written. Send the decisions as a list under "
            "the name events.",
            status=400,
        )
    return data["events"]
