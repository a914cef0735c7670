"""What of an item is read by classifiers: its title and description, never anything about a person."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from django.db.models import Case, CharField, F, Func, TextField, Value, When
from django.db.models.fields.json import KT
from django.db.models.functions import Concat
from django.db.models.lookups import Exact


def text_of(title: str, facts: dict[str, Any]) -> str:
    """An item's title and, where its facts have one, its description."""
    description = facts.get("description")
    return f"{title}\n{description}" if isinstance(description, str) else f"{title}\n"


def digest_of(text: str) -> str:
    """The text's SHA-256, by which labels name what they are about."""
    return sha256(text.encode()).hexdigest()


def text_digest() -> Func:
    """`digest_of(text_of(...))` of a row of items, computed by PostgreSQL."""
    kind = Func(F("facts__description"), function="jsonb_typeof", output_field=CharField())
    described = Case(
        When(condition=kind_is_text(kind), then=KT("facts__description")), default=Value(""), output_field=TextField()
    )
    return Func(
        Concat(F("title"), Value("\n"), described, output_field=TextField()),
        template="encode(sha256(convert_to(%(expressions)s, 'UTF8')), 'hex')",
        output_field=CharField(),
    )


def kind_is_text(kind: Any) -> Any:
    """Whether a JSON value's type is a string."""
    return Exact(kind, Value("string"))
