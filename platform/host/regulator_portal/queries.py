"""What the addresses of the audit API take in their query, typed."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from rest_framework import serializers

from compliance.audit.access.records import Filters
from compliance.audit.access.viewing import MOST_WHY
from compliance.subjects.values import TIERS
from host.api.fields import CanonicalUUID, Choice, PastMoment
from host.api.parsers import MAX_INTEGER
from host.api.query import NumberText, QueryParameters

MOST_RECORDS: Final = 200
MOST_SAMPLED: Final = 1_000


class Reasoned(QueryParameters):
    """Why somebody looks: here or in the header X-Reason."""

    reason = serializers.CharField(
        max_length=MOST_WHY, required=False, help_text="Why this is read; the header X-Reason may say it instead."
    )


class Ranged(Reasoned):
    """A range of time, by the clock in the ids: `from` inclusive, `to` exclusive."""

    to = PastMoment(required=False)

    def get_fields(self) -> dict[str, Any]:
        """Add `from`, which Python cannot spell as a name."""
        return {**super().get_fields(), "from": PastMoment(required=False)}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a range that ends before it begins."""
        start, end = attrs.get("from"), attrs.get("to")
        if start is not None and end is not None and end <= start:
            raise serializers.ValidationError({"to": ["It is not after `from`, so that nothing lies between."]})
        return attrs


class RecordsQuery(Ranged):
    """Which records, and which page of them."""

    service = serializers.CharField(max_length=64, required=False)
    source = serializers.CharField(max_length=64, required=False, allow_blank=True, help_text="Blank: our own door.")  # type: ignore[assignment]
    surface = serializers.CharField(max_length=16, required=False)
    feed_mode = serializers.CharField(max_length=16, required=False)
    tier = Choice(choices=list(TIERS), required=False)
    jurisdiction = serializers.CharField(max_length=8, required=False)
    model = serializers.RegexField("^[0-9a-f]{64}\\Z", required=False, help_text="SHA-256 of the model that scored.")
    after = CanonicalUUID(required=False, help_text="`next` of the page before.")
    limit = NumberText(min_value=1, max_value=MOST_RECORDS, default=50)


class SampleQuery(Ranged):
    """Which sample."""

    seed = serializers.RegexField("^[A-Za-z0-9_.:-]{1,64}\\Z", help_text="Of your own choice, told to nobody before.")
    size = NumberText(min_value=1, max_value=MOST_SAMPLED, default=50)
    at = NumberText(min_value=0, max_value=MAX_INTEGER, required=False, help_text="Size of a checkpoint; the newest.")


def filters_of(asked: dict[str, Any]) -> Filters:
    """The filters in a records query."""
    names = ("service", "source", "surface", "feed_mode", "tier", "jurisdiction", "model")
    start: dt.datetime | None = asked.get("from")
    end: dt.datetime | None = asked.get("to")
    return Filters(**{name: asked.get(name) for name in names}, start=start, end=end)
