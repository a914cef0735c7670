"""The feature snapshot: ranking inputs as a document without floats, and back, without losing a bit."""

from __future__ import annotations

import base64
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranking.data.tokens import ItemBlock, TokenBatch
from ranking.serving.types import Candidate, RankInputs

Document = dict[str, Any]


def array_document(array: NDArray[Any]) -> Document:
    """An array as little-endian bytes in base64 with its type and shape."""
    plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return {
        "dtype": plain.dtype.str,
        "shape": list(plain.shape),
        "base64": base64.b64encode(plain.tobytes()).decode("ascii"),
    }


def array_of(document: Document) -> NDArray[Any]:
    """The array of an array document."""
    flat = np.frombuffer(base64.b64decode(document["base64"], validate=True), dtype=np.dtype(document["dtype"]))
    return flat.reshape(document["shape"]).copy()  # writable, as torch wants it


def inputs_document(inputs: RankInputs) -> Document:
    """Ranking inputs as a document that canonical JSON can hold."""
    return {
        "candidates": _columns(inputs.candidates),
        "explore": _columns(inputs.explore),
        "essential": _columns(inputs.essential),
        "tokens": None if inputs.tokens is None else _tokens_document(inputs.tokens),
        "model_sha256": inputs.model_sha256,
        "reads": list(inputs.reads),
        "shortfall": inputs.shortfall,
    }


def inputs_of(document: Document) -> RankInputs:
    """Ranking inputs from their document."""
    return RankInputs(
        candidates=_rows(document["candidates"]),
        explore=_rows(document["explore"]),
        essential=_rows(document.get("essential", {})),
        tokens=None if document["tokens"] is None else _tokens_of(document["tokens"]),
        model_sha256=document["model_sha256"],
        reads=tuple(document["reads"]),
        shortfall=document["shortfall"],
    )


def _columns(candidates: tuple[Candidate, ...]) -> Document:
    """One list per field: shorter and quicker than one object per candidate."""
    return {field.name: [getattr(one, field.name) for one in candidates] for field in fields(Candidate)}


def _rows(columns: Document) -> tuple[Candidate, ...]:
    columns = {
        name: [tuple(one) if isinstance(one, list) else one for one in column] for name, column in columns.items()
    }
    return tuple(Candidate(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True))


def _tokens_document(tokens: TokenBatch) -> Document:
    return {
        field.name: _block_document(value) if isinstance(value, ItemBlock) else array_document(value)
        for field in fields(tokens)
        for value in [getattr(tokens, field.name)]
    }


def _tokens_of(document: Document) -> TokenBatch:
    parts: dict[str, Any] = {
        name: array_of(value) if "dtype" in value else _block_of(value) for name, value in document.items()
    }
    # Records from before streams were told apart had one.
    parts.setdefault("event_stream_BS", np.zeros_like(parts["event_action_BS"]))
    return TokenBatch(**parts)


def _block_document(block: ItemBlock) -> Document:
    return {field.name: array_document(getattr(block, field.name)) for field in fields(block)}


def _block_of(document: Document) -> ItemBlock:
    return ItemBlock(**{name: array_of(value) for name, value in document.items()})
