"""Ranking inputs in parts that are stored once: a person's past in blocks, what items looked like, and the rest.

A past grows at its end and is cut at block boundaries (`tokens.window_start`), so that all blocks but the last stay the
same from request to request. An item looks the same to everybody. What is left is the order in which candidates came.
Putting the parts together gives the same inputs to the bit.

Legend for shape suffixes: as in ranking/data/tokens.py, and Y for bytes.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ranking.data.schema import Action
from ranking.data.tokens import HISTORY_BLOCK, ItemBlock, TokenBatch
from ranking.serving.snapshot import array_document, array_of
from ranking.serving.types import Candidate, RankInputs

Document = dict[str, Any]
Array = NDArray[Any]

EVENT_FIELDS: Final = ("event_action_BS", "event_stream_BS", "event_time_ms_BS", "event_content_BSD")
TIMES: Final = "event_time_ms_BS"
PADDING: Final = {"event_action_BS": int(Action.SEEN)}
"""What stands in places of the past that hold no event, where it is not 0."""
ASIDE: Final = ("user_categorical_BC", "user_dense_BD", "context_categorical_BGC", "context_time_ms_BG")
ITEM_FIELDS: Final = tuple((one.name, np.dtype("<f4" if one.name == "dense" else "<i4")) for one in fields(ItemBlock))


class NotInParts(ValueError):
    """Inputs of a form that the parts cannot hold, such as two people's at once."""


class ItemLook(NamedTuple):
    """What an item looked like to a model: the same for everybody, so that it is stored once.

    `codes` are the raw little-endian bytes of its ItemBlock row; None where nothing was scored.
    """

    item_id: int
    external_id: str
    topics: tuple[str, ...]
    suitable_from: str
    published_ms: int
    codes: bytes | None
    creator_id: int = 0
    label_confidence: str = ""
    unsafe: tuple[str, ...] = ()
    seconds: int = 0
    promoted: bool = False
    promotion: str = ""

    def document(self) -> Document:
        """As a document that canonical JSON can hold; what an item has nothing of is left out."""
        codes = None if self.codes is None else base64.b64encode(self.codes).decode("ascii")
        said = {name: value for name, value in self._asdict().items() if value or name not in self._field_defaults}
        lists: Document = {name: list(said[name]) for name in ("topics", "unsafe") if name in said}
        return {**said, **lists, "codes": codes}

    @classmethod
    def of(cls, document: Document) -> ItemLook:
        """From its document."""
        codes = document["codes"]
        raw = None if codes is None else base64.b64decode(codes, validate=True)
        lists: Document = {name: tuple(document.get(name, ())) for name in ("topics", "unsafe")}
        return cls(**{**document, **lists, "codes": raw})


OF_THE_ITEM: Final = tuple(name for name in ItemLook._fields if name != "codes")
OF_THE_MOMENT: Final = (
    "new_creator",
    "muted_words",
    "targeting",
    "essential",
    "close",
    "penalties",
    "penalty_milli",
)
"""What a candidate is to one person or at one time. Few are anything, so that only those are written down."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Ranking inputs in parts; all but `items` are documents without floats.

    `past` holds blocks of at most 64 events, oldest first; `items` what each candidate looked like, then those that
    an exploration draw may use, then notices. `candidates` is the lists' order, `rest` everything else.
    """

    past: tuple[Document, ...]
    items: tuple[ItemLook, ...]
    candidates: Document
    rest: Document


def take_apart(inputs: RankInputs) -> Parts:
    """Take inputs apart. Raises NotInParts."""
    tokens, listed = inputs.tokens, (*inputs.candidates, *inputs.explore, *inputs.essential)
    unscored: list[bytes | None] = [None] * len(listed)
    codes = unscored if tokens is None else [*_codes(tokens.candidate_item), *unscored[len(inputs.candidates) :]]
    sources = sorted({one.source for one in listed})
    place = {source: number for number, source in enumerate(sources)}
    return Parts(
        past=() if tokens is None else tuple(_past(tokens)),
        items=tuple(
            ItemLook(codes=row, **{name: getattr(one, name) for name in OF_THE_ITEM})
            for one, row in zip(listed, codes, strict=True)
        ),
        candidates={
            "explore": len(inputs.explore),
            **({"essential": len(inputs.essential)} if inputs.essential else {}),
            "sources": sources,
            "source": [place[one.source] for one in listed],
            "popularity": [one.popularity for one in listed],
            "special": _special(listed),
        },
        rest={
            "reads": list(inputs.reads),
            "shortfall": inputs.shortfall,
            "tokens": None if tokens is None else _rest(tokens),
        },
    )


def put_together(parts: Parts, *, model_sha256: str) -> RankInputs:
    """The inputs that were taken apart. Raises LookupError, TypeError or ValueError for parts of another form."""
    given = parts.candidates
    special = {int(place): _tuples(said) for place, said in given.get("special", {}).items()}
    listed = [
        Candidate(
            **{name: getattr(item, name) for name in OF_THE_ITEM},
            source=given["sources"][source],
            popularity=popularity,
            **special.get(place, {}),
        )
        for place, (item, source, popularity) in enumerate(
            zip(parts.items, given["source"], given["popularity"], strict=True)
        )
    ]
    explored = len(listed) - given.get("essential", 0)
    pool = explored - given["explore"]
    return RankInputs(
        candidates=tuple(listed[:pool]),
        explore=tuple(listed[pool:explored]),
        essential=tuple(listed[explored:]),
        tokens=None if parts.rest["tokens"] is None else _tokens(parts, pool),
        model_sha256=model_sha256,
        reads=tuple(parts.rest["reads"]),
        shortfall=parts.rest["shortfall"],
    )


def _special(listed: Sequence[Candidate]) -> Document:
    """What candidates are at the moment, by their place; those that are nothing special are left out."""
    said = {
        str(place): {name: value for name in OF_THE_MOMENT if (value := getattr(one, name))}
        for place, one in enumerate(listed)
    }
    return {place: {name: _plain(value) for name, value in one.items()} for place, one in said.items() if one}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _tuples(said: Document) -> Document:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in said.items()}


def _past(tokens: TokenBatch) -> list[Document]:
    """Blocks of events; one without any where there is none, so that shapes are known."""
    events = int(tokens.event_mask_BS.sum())
    arrays = {name: getattr(tokens, name) for name in EVENT_FIELDS}
    arrays |= {f"item.{name}": getattr(tokens.event_item, name) for name, _ in ITEM_FIELDS}
    padded = [(array[0, events:], PADDING.get(name, 0)) for name, array in arrays.items()]
    if len(tokens.event_mask_BS) != 1 or not tokens.event_mask_BS[0, :events].all():
        raise NotInParts("Only one person's past, padded at its end, can be recorded.")
    if any((array != fill).any() for array, fill in padded):
        raise NotInParts("Only a past that is padded as the encoder pads it can be recorded.")
    return [
        {name: _column(name, array[0, start : min(start + HISTORY_BLOCK, events)]) for name, array in arrays.items()}
        for start in range(0, max(events, 1), HISTORY_BLOCK)
    ]


def _column(name: str, array: Array) -> Document:
    """An array as a document: whole numbers as such, which pack better than their bytes; times as steps."""
    if array.dtype.kind != "i":
        return array_document(array)
    flat = np.diff(array, prepend=0) if name == TIMES else array
    return {"dtype": array.dtype.newbyteorder("<").str, "shape": list(array.shape), "numbers": flat.ravel().tolist()}


def _array(name: str, column: Document) -> Array:
    if "numbers" not in column:
        return array_of(column)
    flat = np.array(column["numbers"], np.dtype(column["dtype"]))
    return (np.cumsum(flat, dtype=flat.dtype) if name == TIMES else flat).reshape(column["shape"])


def _rest(tokens: TokenBatch) -> Document:
    if tokens.candidate_context_BM.any() or not tokens.candidate_mask_BM.all():
        raise NotInParts("Only candidates of one context, without padding, can be recorded.")
    return {
        "length": tokens.event_mask_BS.shape[1],
        "widths": [list(getattr(tokens.candidate_item, name).shape[2:]) for name, _ in ITEM_FIELDS],
        **{name: array_document(getattr(tokens, name)) for name in ASIDE},
    }


def _codes(block: ItemBlock) -> list[bytes]:
    """Each candidate's row of codes as raw bytes."""
    candidates = block.id.shape[1]
    columns = [np.ascontiguousarray(getattr(block, name)[0], kind) for name, kind in ITEM_FIELDS]
    flat = [column.reshape(candidates, math.prod(column.shape[1:])) for column in columns]
    rows_MY = np.concatenate([column.view(np.uint8) for column in flat], axis=1)
    return [row_Y.tobytes() for row_Y in rows_MY]


def _tokens(parts: Parts, pool: int) -> TokenBatch:
    given = parts.rest["tokens"]
    length = given["length"]
    blocks = [{name: _array(name, column) for name, column in block.items()} for block in parts.past]
    past = {name: _padded([block[name] for block in blocks], length, PADDING.get(name, 0)) for name in blocks[0]}
    events = sum(len(block[EVENT_FIELDS[0]]) for block in blocks)
    return TokenBatch(
        **{name: array_of(given[name]) for name in ASIDE},
        **{name: past[name] for name in EVENT_FIELDS},
        event_item=ItemBlock(**{name: past[f"item.{name}"] for name, _ in ITEM_FIELDS}),
        event_mask_BS=(np.arange(length) < events)[None],
        candidate_item=_candidates(parts.items[:pool], given["widths"]),
        candidate_context_BM=np.zeros((1, pool), np.int32),
        candidate_mask_BM=np.ones((1, pool), np.bool_),
    )


def _padded(blocks: list[Array], length: int, fill: int) -> Array:
    """Blocks of events (S, ...) as one padded past (1, length, ...)."""
    events = np.concatenate(blocks)
    padded = np.full((1, length, *events.shape[1:]), fill, events.dtype)
    padded[0, : len(events)] = events
    return padded


def _candidates(items: tuple[ItemLook, ...], widths: list[list[int]]) -> ItemBlock:
    raw = b"".join(item.codes or b"" for item in items)
    sizes = [math.prod(width) * kind.itemsize for width, (_, kind) in zip(widths, ITEM_FIELDS, strict=True)]
    rows_MY = np.frombuffer(raw, np.uint8).reshape(len(items), sum(sizes))
    starts = [sum(sizes[:number]) for number in range(len(sizes))]
    return ItemBlock(
        **{
            name: np.ascontiguousarray(rows_MY[:, start : start + size]).view(kind).reshape(1, len(items), *width)
            for (name, kind), width, start, size in zip(ITEM_FIELDS, widths, starts, sizes, strict=True)
        }
    )
