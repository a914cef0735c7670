"""What the audit API answers, for its schema."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from host.api.schema import ErrorShape

WHY: Final = OpenApiParameter(
    name="X-Reason",
    location=OpenApiParameter.HEADER,
    description="Why this is read, in up to 500 printable ASCII characters. It goes on record with the view.",
)
MEANINGS: Final = {
    400: "The query or a header is not as this schema says, or the reason is missing; `message` says which.",
    401: "No auditor's key that holds, and nobody signed in.",
    403: "The key, or the account's role, is not for this.",
    404: "There is no such thing on record.",
    409: "It is on record, but no signed checkpoint covers it yet, or what is stored does not hold.",
    410: "The person had it erased. `extra` has the commitment, whether it still holds, and the proof.",
    422: "Well-formed, but more than is answered at a time, or of a log that was never signed.",
    429: "Too many requests, or too many replays at once; Retry-After says when to come back.",
    503: "The view could not be put on record, or the database does not answer; nothing is shown.",
}


def refusals(*codes: int) -> dict[int, OpenApiResponse]:
    """The responses of an address that may refuse with `codes`, besides those that every one has."""
    return {
        code: OpenApiResponse(ErrorShape, description=MEANINGS[code])
        for code in sorted({400, 401, 403, 429, 503, *codes})
    }


class SummaryShape(serializers.Serializer[Any]):
    """The clear columns of a record."""

    id = serializers.UUIDField()
    service = serializers.CharField()
    served_at_ms = serializers.IntegerField()
    surface = serializers.CharField()
    feed_mode = serializers.CharField()
    tier = serializers.CharField()
    jurisdiction = serializers.CharField()
    model_sha256 = serializers.CharField(allow_blank=True)
    leaf = serializers.IntegerField(allow_null=True, help_text="Of the log; null while it waits for one.")
    erased = serializers.BooleanField()

    def get_fields(self) -> dict[str, Any]:
        """Add `source`, a word of the serializer itself: who decided, blank for our own door."""
        return {**super().get_fields(), "source": serializers.CharField(allow_blank=True)}


class PageShape(serializers.Serializer[Any]):
    """A page of records, in the order of their ids."""

    records = SummaryShape(many=True)
    next = serializers.UUIDField(allow_null=True, help_text="Ask again with after=… for the next page; null: the last.")


class CommitmentShape(serializers.Serializer[Any]):
    """What the log holds of an event."""

    digest = serializers.CharField(allow_null=True)
    leaf = serializers.IntegerField(allow_null=True)
    place = serializers.IntegerField(allow_null=True)
    holds = serializers.BooleanField(help_text="Whether the stored bytes are those that were committed to.")


class RecordShape(serializers.Serializer[Any]):
    """One record. Numbers in the document are exact, as text; trade secrets are stated refusals."""

    record = SummaryShape()
    document = serializers.DictField()
    commitment = CommitmentShape()


class ProofShape(serializers.Serializer[Any]):
    """A receipt that anyone verifies offline (c2sp.org/tlog-proof@v1)."""

    event_id = serializers.UUIDField()
    receipt = serializers.CharField()
    checkpoint = serializers.CharField()
    size = serializers.IntegerField()
    vkey = serializers.CharField()


class EvidenceShape(serializers.Serializer[Any]):
    """Everything that `verify_evidence.py` needs, as a zip in base64."""

    event_id = serializers.UUIDField()
    bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    zip_base64 = serializers.CharField()
    vkey = serializers.CharField()
    verify = serializers.CharField()


class DifferenceShape(serializers.Serializer[Any]):
    """One thing that is not as recorded."""

    what = serializers.CharField()
    recorded = serializers.CharField()
    found = serializers.CharField()


class ReplayShape(serializers.Serializer[Any]):
    """A slate, decided again from its record alone. `docs/replay.md` says what the grades promise."""

    serve_id = serializers.UUIDField()
    grade = serializers.CharField(help_text="The highest that held: none, R0, R1, R3 or R2, from weak to strong.")
    promised = serializers.CharField()
    kept = serializers.BooleanField(help_text="Whether what was promised holds.")
    identical = serializers.BooleanField()
    differences = DifferenceShape(many=True)
    differences_count = serializers.IntegerField()
    largest_difference = serializers.FloatField(allow_null=True, help_text="Of any score; null: none were compared.")
    environment_differs = serializers.ListField(child=serializers.CharField())
    only_close = serializers.ListField(child=serializers.CharField())
    milliseconds = serializers.IntegerField()


class SampleShape(serializers.Serializer[Any]):
    """A sample that the same seed, range and `at` give again for ever."""

    seed = serializers.CharField()
    at = serializers.IntegerField()
    population = serializers.IntegerField()
    ids = serializers.ListField(child=serializers.UUIDField())
    method = serializers.CharField()


class PackShape(serializers.Serializer[Any]):
    """A policy pack; `sha256` is over `content` as UTF-8."""

    sha256 = serializers.CharField()
    name = serializers.CharField()
    version = serializers.CharField()
    weights = serializers.DictField(help_text="Objective weights by feed mode.")
    content = serializers.CharField()


class ParametersShape(serializers.Serializer[Any]):
    """What decides and what decided."""

    live = serializers.DictField(child=serializers.CharField(allow_blank=True))
    policy = PackShape()
    models = serializers.ListField(child=serializers.DictField())
    history = serializers.DictField(
        child=serializers.ListField(child=serializers.DictField()),
        help_text="`policies` and `models`: what was live from when until when, by whose act.",
    )


class EscrowShape(serializers.Serializer[Any]):
    """A sealed copy of a withheld field, which only the escrow key's holder opens."""

    sha256 = serializers.CharField()
    copy_base64 = serializers.CharField()
    opens_with = serializers.CharField()


class LogShape(serializers.Serializer[Any]):
    """How the log is kept, and what it promises."""

    origin = serializers.CharField()
    vkey = serializers.CharField()
    size = serializers.IntegerField()
    checkpoint = serializers.CharField(allow_null=True)
    cosigned_by = serializers.ListField(child=serializers.CharField())
    merge_delay_seconds = serializers.IntegerField()
    waiting = serializers.IntegerField()
    tiles = serializers.CharField()
    witnesses = serializers.ListField(child=serializers.CharField())
    witnesses_needed = serializers.IntegerField()
    second_checkpoint_store = serializers.BooleanField()
