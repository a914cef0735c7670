"""The form in which our own serve records are sealed: nothing twice, and each place's values in columns.

What the row says in the clear is left out: its id and pseudonym, without which it does not open, and the model's
address, which it is bound to. `expand(compact(document))` is the document again, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson

from compliance.audit.canonical import canonical
from compliance.audit.storage.sealing import open_sealed, seal

Document = dict[str, Any]

PLACE: Final = ("item_id", "source", "propensity", "explored", "blended")
SELDOM: Final[Document] = {"adjusted": 0, "penalties": []}
"""What most places have nothing of (records from version 3): a column that is left out where that is so of all."""


@dataclass(frozen=True, kw_only=True)
class Clear:
    """What a record's columns say, and its sealed form leaves out."""

    id: UUID
    pseudonym: UUID
    model_sha256: str


def compact(document: Document) -> Document:
    """The short form of a record's document."""
    asker = {name: value for name, value in document["asker"].items() if name != "pseudonym"}
    output = {**document["output"], "items": _columns(document["output"])}
    kept = {name: value for name, value in document.items() if name not in ("id", "source", "model_sha256")}
    return {**kept, "asker": asker, "output": output}


def expand(short: Document, clear: Clear) -> Document:
    """The document of a record, from its short form. Raises LookupError, TypeError or ValueError for another form."""
    asker = {**short["asker"], "pseudonym": str(clear.pseudonym)}
    output = {**short["output"], "items": _places(short["output"], SELDOM if short["version"] > 2 else {})}
    return {
        **short,
        "id": str(clear.id),
        "source": "",
        "model_sha256": clear.model_sha256,
        "asker": asker,
        "output": output,
    }


def seal_document(key: bytes, document: Document) -> bytes:
    """The bytes of a record of ours. Raises NotCanonical."""
    bound = bytes.fromhex(document["model_sha256"])
    return seal(key, UUID(document["id"]), canonical(compact(document)), bound=bound)


def open_document(key: bytes, clear: Clear, body: bytes) -> Document:
    """The document in the bytes of a record of ours. Raises SealBroken, and what `expand` raises."""
    return expand(orjson.loads(open_sealed(key, clear.id, body, bound=bytes.fromhex(clear.model_sha256))), clear)


def _columns(output: Document) -> Document:
    columns = {name: [item[name] for item in output["items"]] for name in PLACE}
    scores = {
        head: [None if item["scores"] is None else item["scores"][head] for item in output["items"]]
        for head in output["heads"]
    }
    seldom = {
        name: [item[name] for item in output["items"]]
        for name, nothing in SELDOM.items()
        if any(item.get(name, nothing) != nothing for item in output["items"])
    }
    return {**columns, **seldom, "scores": scores}


def _places(output: Document, seldom: Document) -> list[Document]:
    columns, heads = output["items"], output["heads"]
    rows = zip(*(columns[name] for name in PLACE), strict=True)
    return [
        {
            **dict(zip(PLACE, row, strict=True)),
            **{name: columns[name][number] if name in columns else nothing for name, nothing in seldom.items()},
            "rank": number + 1,
            "scores": _scores(columns["scores"], heads, number),
        }
        for number, row in enumerate(rows)
    ]


def _scores(columns: Document, heads: list[str], number: int) -> Document | None:
    values = {head: columns[head][number] for head in heads}
    return values if values and None not in values.values() else None
