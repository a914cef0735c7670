"""Ranking inputs as they are stored: sealed, content-addressed blobs, and numbered versions of items."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import orjson

from compliance.audit.canonical import encode
from compliance.audit.models import ColdMonth, SealedBlob
from compliance.audit.storage.items import Looks, numbered
from compliance.audit.storage.partitions import Month
from compliance.audit.storage.sealing import open_blob, seal_blob
from ranking.serving.parts import Parts, put_together, take_apart
from ranking.serving.types import RankInputs

Document = dict[str, Any]


class InputsBroken(ValueError):
    """Stored inputs are not what the record says: something is missing or was changed."""


@dataclass(frozen=True, kw_only=True)
class StoredInputs:
    """What a record says of its inputs, and the blobs that are written with it."""

    document: Document
    blobs: dict[bytes, bytes]  # address -> sealed content


def store_inputs(inputs: RankInputs, *, key: bytes) -> StoredInputs:
    """Seal a person's part of the inputs, and store how items look. Raises NotInParts.

    Call it outside a transaction: versions of items stay when the record is not written.
    """
    parts = take_apart(inputs)
    blobs: dict[bytes, bytes] = {}

    def put(document: Document) -> str:
        sealed = seal_blob(key, encode(document))  # parts hold no floats (`ranking/serving/parts.py`)
        address = hashlib.sha256(sealed).digest()
        blobs[address] = sealed
        return address.hex()

    numbers, digest = numbered(parts.items)
    past = None
    if parts.past:
        past = put({"blocks": [put(block) for block in parts.past[:-1]], "last": parts.past[-1]})
    snapshot = put({**parts.candidates, "items": numbers, "items_sha256": digest, "past": past})
    return StoredInputs(document={**parts.rest, "snapshot": snapshot}, blobs=blobs)


def read_inputs(
    document: Document, *, key: bytes, month: Month, model_sha256: str, looks: Looks | None = None
) -> RankInputs:
    """The inputs that a record of this month names; `looks` remembers the versions of items that were read before.

    Raises InputsBroken or ItemsBroken, saying what is missing or changed, SealBroken where the key does not fit.
    """
    snapshot = _opened(key, month, document["snapshot"], "feature snapshot")
    blocks: list[Document] = []
    if snapshot["past"] is not None:
        past = _opened(key, month, snapshot["past"], "past")
        blocks = [_opened(key, month, address, "block of the past") for address in past["blocks"]] + [past["last"]]
    parts = Parts(
        past=tuple(blocks),
        items=(looks or Looks()).of(snapshot["items"], snapshot["items_sha256"]),
        candidates=snapshot,
        rest=document,
    )
    return put_together(parts, model_sha256=model_sha256)


def _opened(key: bytes, month: Month, address: str, what: str) -> Document:
    raw = bytes.fromhex(address)
    content = SealedBlob.objects.filter(period=month.first, address=raw).values_list("content", flat=True).first()
    if content is None:
        content = _cold(month, raw)
    if content is None:
        raise InputsBroken(f"The {what} {address} is missing.")
    if hashlib.sha256(content).digest() != raw:
        raise InputsBroken(f"The {what} {address} does not hash to its address.")
    document: Document = orjson.loads(open_blob(key, bytes(content)))
    return document


def _cold(month: Month, address: bytes) -> bytes | None:
    """A blob of a month that left the database."""
    if not ColdMonth.objects.filter(table="blobs", period=month.first):
        return None
    from compliance.audit.cold.selectors import find_blob  # DuckDB: only for what is not in the database

    return find_blob(address, period=month.first)
