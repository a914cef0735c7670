"""A decision as the service reads it: JSON without floats, every number that is not whole spelt as text."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

VERSION = 1
_BEFORE = ',"served_at_ms":'


@dataclass(frozen=True)
class Item:
    """One place of a slate. Numbers may be floats, kept to the last bit, or text that is kept as it is spelt.

    `propensity` is the probability that this item was put in this place; None where nobody knows it.
    """

    item: str
    source: str
    scores: Mapping[str, float | str] | None = field(default=None)
    propensity: float | str | None = None


def uuid7(at_ms: int) -> str:
    """An id that carries its time (RFC 9562, section 5.7)."""
    bits = secrets.randbits(74)
    value = (at_ms << 80) | (7 << 76) | ((bits >> 62) << 64) | (2 << 62) | (bits & ((1 << 62) - 1))
    return str(UUID(int=value))


def document(
    *,
    event_id: str,
    pseudonym: str | UUID,
    served_at_ms: int,
    words: Mapping[str, str],
    model: tuple[str, str] | None,
    items: Iterable[Item],
    reasons: Iterable[str],
    parameters: Mapping[str, str],
) -> str:
    """The decision's JSON, all but its sequence number. Raises ValueError for a number that is none."""
    value: dict[str, Any] = {
        "version": VERSION,
        "id": event_id,
        "pseudonym": str(UUID(str(pseudonym))),
        "served_at_ms": served_at_ms,
        **words,
        "model": None if model is None else {"name": model[0], "sha256": model[1]},
        "items": [_item(rank, item) for rank, item in enumerate(items, 1)],
        "reasons": list(reasons),
        "parameters": dict(parameters),
    }
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, sort_keys=True)


def batch(documents: Iterable[tuple[int, str]]) -> bytes:
    """The body of a request, from sequence numbers and documents, with keys in order: that is read quickest."""
    return f'{{"events":[{",".join(_numbered(number, text) for number, text in documents)}]}}'.encode()


def _numbered(number: int, text: str) -> str:
    """A document with its sequence number. What stands behind the last served_at_ms are plain words."""
    before, name, after = text.rpartition(_BEFORE)
    return f'{before},"sequence":{number}{name}{after}'


def _item(rank: int, item: Item) -> dict[str, Any]:
    scores = None if item.scores is None else {head: _text(score) for head, score in item.scores.items()}
    propensity = None if item.propensity is None else _text(item.propensity)
    return {"rank": rank, "item": item.item, "source": item.source, "scores": scores, "propensity": propensity}


def _text(number: float | str) -> str:
    """The shortest text that gives back the same bits."""
    if isinstance(number, str):
        return number
    if not math.isfinite(number):
        raise ValueError(f"{number} is no score: leave an item that was not scored without scores.")
    return repr(float(number))
