"""Fields that take a value for what it is: no number in quotes, no `true` for 1, no date without its time zone."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from typing import Any, Final

from django.utils import timezone
from rest_framework import serializers

CANONICAL_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
MAX_ID: Final = 2**63 - 1
EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
CLOCK_SKEW: Final = dt.timedelta(minutes=5)


class WholeNumber(serializers.IntegerField):
    """An integer written as a JSON integer."""

    def to_internal_value(self, data: Any) -> int:
        """Refuse text, floats and booleans."""
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class CanonicalUUID(serializers.UUIDField):
    """A UUID in its canonical text form."""

    def to_internal_value(self, data: Any) -> uuid.UUID:
        """Refuse integers, URNs and braces."""
        if not isinstance(data, str) or not CANONICAL_UUID.fullmatch(data):
            self.fail("invalid", value=data)
        return uuid.UUID(data)


class Choice(serializers.ChoiceField):
    """One of a list of texts."""

    def to_internal_value(self, data: Any) -> str:
        """Refuse what is not text."""
        if not isinstance(data, str):
            self.fail("invalid_choice", input=data)
        return str(super().to_internal_value(data))


class PastMoment(serializers.DateTimeField):
    """A moment with its time zone, from 1970 up to now (five minutes of clock skew are forgiven)."""

    default_error_messages = {
        "naive": "The time zone is missing: end the time with Z or an offset.",
        "before": "The time is before 1970.",
        "future": "The time is in the future by more than five minutes.",
    }

    def to_internal_value(self, value: Any) -> dt.datetime:
        """Refuse times without a zone, before the epoch or in the future."""
        if not isinstance(value, str):
            self.fail("invalid", format="YYYY-MM-DDThh:mm:ssZ")
        moment: dt.datetime = super().to_internal_value(value)
        if moment < EPOCH:
            self.fail("before")
        if moment > timezone.now() + CLOCK_SKEW:
            self.fail("future")
        return moment

    def enforce_timezone(self, value: dt.datetime) -> dt.datetime:
        """Refuse a naive time instead of guessing its zone."""
        if timezone.is_naive(value):
            self.fail("naive")
        return super().enforce_timezone(value)


class StrictSerializer(serializers.Serializer[Any]):
    """A serializer that refuses fields it does not know: a typing mistake must not be ignored."""

    def to_internal_value(self, data: Any) -> Any:
        """Refuse unknown fields, then read the known ones."""
        if isinstance(data, dict) and (unknown := sorted(set(data) - set(self.fields))):
            raise serializers.ValidationError(
                {name[:60]: ["This field is not in the schema."] for name in unknown[:20]}
            )
        return super().to_internal_value(data)


def validated(serializer: serializers.BaseSerializer[Any]) -> dict[str, Any]:
    """What a request's body says, checked whole. Raises ValidationError."""
    serializer.is_valid(raise_exception=True)
    values: dict[str, Any] = serializer.validated_data
    return values
