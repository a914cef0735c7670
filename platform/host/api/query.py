"""Typed query parameters: a view declares what it takes, everything else in the address is refused by name.

A view says `query_class = Page`, where `Page` is a `QueryParameters` with fields, and reads `self.asked["limit"]`.
The OpenAPI schema is made from the same class. Texts of a query are never taken for what they are not: a number is
`NumberText`, a yes or no is `FlagText`; `Choice`, `CanonicalUUID` and `PastMoment` of `host.api.fields` fit as well.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import parse_qsl

from rest_framework import serializers

from host.api.refusal import Refusal

MAX_LENGTH: Final = 2048
MAX_PARAMETERS: Final = 20
MAX_ECHO: Final = 60
INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,15}", re.ASCII)


class NumberText(serializers.IntegerField):
    """A whole number in its one plain spelling: no sign before it but a minus, no leading zeros, no spaces."""

    def to_internal_value(self, data: Any) -> int:
        """Refuse every other spelling."""
        if not isinstance(data, str) or not INTEGER.fullmatch(data):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class FlagText(serializers.BooleanField):
    """`true` or `false`, and no other word for them."""

    def to_internal_value(self, data: Any) -> bool:
        """Refuse `1`, `yes`, `True` and what else means it elsewhere."""
        if data not in {"true", "false"}:
            self.fail("invalid", input=data)
        return bool(data == "true")


class QueryParameters(serializers.Serializer[Any]):
    """The parameters that an address takes, one field each. This class itself takes none."""


def read_query(raw: str, query_class: type[QueryParameters]) -> dict[str, Any]:
    """Return the values in a query string; raise Refusal (400) naming what is unknown, there twice or wrong."""
    given = _once_each(_pairs(raw))
    query = query_class(data=given)
    if unknown := [name for name in given if name not in query.fields]:
        known = ", ".join(query.fields) or "none"
        raise _refusal(f"The query parameter {_shown(unknown[0])} is not known here (known: {known})")
    if not query.is_valid():
        name, problems = next(iter(query.errors.items()))
        problem = str(problems[0]).rstrip(".")
        raise Refusal(
            f"The query parameter {_shown(name)} is not as the schema says: {problem}. Correct it and ask again.",
            status=400,
            extra={"parameters": query.errors},
        )
    values: dict[str, Any] = query.validated_data
    return values


def _pairs(raw: str) -> list[tuple[str, str]]:
    if not raw:
        return []
    if len(raw) > MAX_LENGTH or not raw.isascii():
        raise _refusal(f"The query of the address is longer than {MAX_LENGTH} characters, or not percent-encoded")
    try:
        return parse_qsl(
            raw, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MAX_PARAMETERS
        )
    except UnicodeDecodeError as error:
        raise _refusal("The query of the address is not UTF-8") from error
    except ValueError as error:
        raise _refusal(f"The query of the address is not up to {MAX_PARAMETERS} pairs of name=value") from error


def _once_each(pairs: list[tuple[str, str]]) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in pairs:
        if name in given:
            raise _refusal(f"The query parameter {_shown(name)} is there twice, so it is not clear what was meant")
        if "\x00" in value:
            raise _refusal(f"The query parameter {_shown(name)} holds the character NUL (U+0000)")
        given[name] = value
    return given


def _shown(name: str) -> str:
    return ascii(name[:MAX_ECHO])


def _refusal(what: str) -> Refusal:
    return Refusal(f"{what}, so nothing was done. Correct it and ask again.", status=400)
