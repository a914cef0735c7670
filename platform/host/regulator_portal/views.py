"""Audit API v1: records, proofs, replays, parameters, samples and the log, read-only."""

from __future__ import annotations

from base64 import b64encode
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from compliance.audit.access import parameters, proofs, records, replays, samples
from compliance.audit.access.sealed import copy_of
from compliance.audit.access.viewing import Reader
from compliance.audit.keys.errors import KeyErased
from compliance.audit.models import ServeRecord
from host.api.refusal import SENTENCES, Refusal
from host.regulator_portal import shapes
from host.regulator_portal.base import AuditView
from host.regulator_portal.queries import RecordsQuery, SampleQuery, filters_of
from host.regulator_portal.shapes import WHY, refusals

ERASED = (
    "The person whose record this was had it erased (GDPR Art. 17), so that nobody can open it any more. What the log "
    "holds of it stands, and its proof still verifies."
)


class RecordsView(AuditView):
    """Records by their clear columns."""

    scope = "records"
    query_class = RecordsQuery

    @extend_schema(operation_id="audit_records", responses={200: shapes.PageShape, **refusals(422)})
    def get(self, request: Request) -> Response:
        """Return a page of records, oldest first. It names no person."""
        limit = self.asked["limit"]

        def answer(_: Reader) -> dict[str, object]:
            found = records.page(filters_of(self.asked), after=self.asked.get("after"), limit=limit)
            return {"records": found, "next": found[-1]["id"] if len(found) == limit else None}

        return self.shown(request, answer)


class RecordView(AuditView):
    """One record."""

    scope = "records"
    of_a_person = True

    @extend_schema(
        operation_id="audit_record", parameters=[WHY], responses={200: shapes.RecordShape, **refusals(404, 409, 410)}
    )
    def get(self, request: Request, record_id: UUID) -> Response:
        """Return a record's canonical document, opened with its person's key, and what the log holds of it."""

        def answer(_: Reader) -> dict[str, object]:
            record = records.record_of(record_id)
            shown: dict[str, object] = {"record": records.summaries([record])[0]}
            commitment = proofs.commitment_of(record)
            try:
                document = records.document_of(record)
            except KeyErased as error:
                raise erased(record, {**shown, "commitment": commitment}) from error
            return {**shown, "document": document, "commitment": commitment}

        return self.shown(request, answer, record=record_id)


class ProofView(AuditView):
    """The receipt of one record, or of any other event in the log."""

    scope = "proofs"
    of_a_person = True

    @extend_schema(
        operation_id="audit_proof", parameters=[WHY], responses={200: shapes.ProofShape, **refusals(404, 409)}
    )
    def get(self, request: Request, record_id: UUID) -> Response:
        """Return the receipt (.tlog-proof) under the newest checkpoint. It holds for erased records too."""
        return self.shown(request, lambda _: proofs.proof_of(record_id), record=record_id)


class EvidenceView(AuditView):
    """The evidence bundle of one record, or of any other event in the log."""

    scope = "proofs"
    of_a_person = True

    @extend_schema(
        operation_id="audit_evidence", parameters=[WHY], responses={200: shapes.EvidenceShape, **refusals(404, 409)}
    )
    def get(self, request: Request, record_id: UUID) -> Response:
        """Return the bundle that `verify_evidence.py` checks offline; what describes a person stays sealed in it."""

        def answer(reader: Reader) -> dict[str, object]:
            try:
                return proofs.evidence_of(record_id, acts="acts" in reader.scopes)
            except proofs.ActWithheld as error:
                raise Refusal(str(error), status=403) from error

        return self.shown(request, answer, record=record_id)


class ReplayView(AuditView):
    """A replay of one record."""

    scope = "replays"
    of_a_person = True
    throttle_scope = "audit_replay"

    @extend_schema(
        operation_id="audit_replay", parameters=[WHY], responses={200: shapes.ReplayShape, **refusals(404, 410)}
    )
    def get(self, request: Request, record_id: UUID) -> Response:
        """Decide the slate again, from its record alone, and return what differs."""

        def answer(_: Reader) -> dict[str, object]:
            record = records.record_of(record_id)
            shown = records.summaries([record])[0]
            if shown["erased"]:
                raise erased(record, {"record": shown, "commitment": proofs.commitment_of(record)})
            return replays.replay_of(record)

        return self.shown(request, answer, record=record_id)


class ParametersView(AuditView):
    """What decides."""

    scope = "parameters"

    @extend_schema(operation_id="audit_parameters", responses={200: shapes.ParametersShape, **refusals()})
    def get(self, request: Request) -> Response:
        """Return the policy pack and the model that are live, all models, and what was live when, by whose act."""
        return self.shown(request, lambda reader: parameters.parameters(withhold="sealed" not in reader.scopes))


class PackView(AuditView):
    """A policy pack."""

    scope = "parameters"

    @extend_schema(operation_id="audit_pack", responses={200: shapes.PackShape, **refusals(404)})
    def get(self, request: Request, sha256: str) -> Response:
        """Return a policy pack that a record names, with its file as it was."""
        return self.shown(request, lambda _: parameters.pack_of(sha256))


class EscrowView(AuditView):
    """The escrow copy of a withheld field."""

    scope = "parameters"

    @extend_schema(operation_id="audit_escrow", responses={200: shapes.EscrowShape, **refusals(404)})
    def get(self, request: Request, sha256: str) -> Response:
        """Return a copy, which the holder of the escrow key opens and nobody else."""

        def answer(_: Reader) -> dict[str, object]:
            copy = copy_of(sha256)
            if copy is None:
                raise Refusal(SENTENCES[404], status=404)
            opens_with = settings.AUDIT_ESCROW_KEY
            return {"sha256": sha256, "copy_base64": b64encode(copy).decode(), "opens_with": opens_with}

        return self.shown(request, answer)


class SamplesView(AuditView):
    """Samples of records."""

    scope = "samples"
    query_class = SampleQuery

    @extend_schema(operation_id="audit_sample", responses={200: shapes.SampleShape, **refusals(409, 422)})
    def get(self, request: Request) -> Response:
        """Return a uniform sample by your own seed: the same seed, range and `at` give the same ids for ever."""
        asked = self.asked

        def answer(_: Reader) -> dict[str, object]:
            return samples.sample(
                seed=asked["seed"], size=asked["size"], start=asked.get("from"), end=asked.get("to"), at=asked.get("at")
            )

        return self.shown(request, answer)


class LogView(AuditView):
    """The log itself."""

    @extend_schema(operation_id="audit_log", responses={200: shapes.LogShape, **refusals(409)})
    def get(self, request: Request) -> Response:
        """Return the log's key, its newest checkpoint, its promises and its witnesses."""
        return self.shown(request, lambda _: proofs.log_description())


def erased(record: ServeRecord, what: dict[str, object]) -> Refusal:
    """The refusal of an erased record: what is left of it, and the proof that it was."""
    return Refusal(ERASED, status=410, extra={"erased": True, **what, "receipt": proofs.receipt_or_none(record.id)})
