"""What goes in and out of the ingest API, for its schema. What is read is judged by `compliance.audit.ingest`."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from compliance.audit.ingest.document import MOST_EVENTS, VERSION
from compliance.audit.ingest.reconciling import Reconciled
from compliance.subjects.values import TIERS
from host.api.fields import StrictSerializer, WholeNumber
from host.api.parsers import MAX_INTEGER


class ModelShape(serializers.Serializer[Any]):
    """Which model decided."""

    name = serializers.CharField(max_length=128)
    sha256 = serializers.RegexField("^[0-9a-f]{64}$")


class DecidedItemShape(serializers.Serializer[Any]):
    """One place of the slate. Numbers that are not whole are text: `0.25`, or `0x1.0p-2` for the very bits."""

    rank = serializers.IntegerField(min_value=1)
    item = serializers.CharField(max_length=128)
    # `source` is a word of the serializer itself, so that this field is put in by name.
    scores = serializers.DictField(child=serializers.CharField(max_length=32), allow_null=True)
    propensity = serializers.CharField(max_length=32, allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        """Add where the item came from."""
        return {**super().get_fields(), "source": serializers.CharField(max_length=32)}


class DecisionShape(serializers.Serializer[Any]):
    """One slate that another ranker decided and served."""

    version = serializers.ChoiceField(choices=[VERSION])
    id = serializers.UUIDField(help_text="UUIDv7 made at served_at_ms; sending it again adds nothing.")
    sequence = serializers.IntegerField(min_value=1, max_value=MAX_INTEGER)
    pseudonym = serializers.UUIDField()
    served_at_ms = serializers.IntegerField(min_value=0, max_value=MAX_INTEGER)
    surface = serializers.CharField(max_length=16)
    feed_mode = serializers.CharField(max_length=16)
    tier = serializers.ChoiceField(choices=list(TIERS))
    jurisdiction = serializers.CharField(max_length=8)
    model = ModelShape(allow_null=True)
    items = DecidedItemShape(many=True)
    reasons = serializers.ListField(child=serializers.CharField(max_length=2000))
    parameters = serializers.DictField(child=serializers.CharField(max_length=2000))


class DecisionsShape(serializers.Serializer[Any]):
    """A batch."""

    events = serializers.ListField(child=DecisionShape(), min_length=1, max_length=MOST_EVENTS)


class AcknowledgedShape(serializers.Serializer[Any]):
    """What is on record now: ids that were written, and ids that were there with the same content."""

    written = serializers.ListField(child=serializers.UUIDField())
    already = serializers.ListField(child=serializers.UUIDField())


class GapsShape(serializers.Serializer[Any]):
    """The sequence numbers below the highest that have not come, as pairs of first and last."""

    highest = serializers.IntegerField()
    missing = serializers.IntegerField()
    gaps = serializers.ListField(child=serializers.ListField(child=serializers.IntegerField()))


class ClaimInput(StrictSerializer):
    """How many decisions a source took in an hour, by served_at_ms."""

    hour_ms = WholeNumber(min_value=0, max_value=MAX_INTEGER)
    count = WholeNumber(min_value=0, max_value=MAX_INTEGER)


class ReconciledShape(serializers.Serializer[Any]):
    """The claim beside the record. 0 unexplained is the aim."""

    hour_ms = serializers.IntegerField()
    claimed = serializers.IntegerField()
    on_record = serializers.IntegerField()
    unexplained = serializers.IntegerField()


def reconciled(found: Reconciled, hour_ms: int) -> dict[str, int]:
    """The answer to a claim."""
    counts = {"claimed": found.claimed, "on_record": found.on_record, "unexplained": found.unexplained}
    return {"hour_ms": hour_ms, **counts}
