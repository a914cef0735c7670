"""The sealed form of a record is shorter, and gives the document again exactly."""

from __future__ import annotations

import secrets
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.audit.canonical import canonical, exact
from compliance.audit.storage.compact import Clear, compact, expand, open_document, seal_document
from compliance.audit.storage.sealing import SealBroken

MODEL = "ab" * 32
CLEAR = Clear(id=UUID(int=7), pseudonym=UUID(int=8), model_sha256=MODEL)


def place(draw: st.DrawFn, number: int, heads: list[str]) -> dict[str, Any]:
    explored = draw(st.booleans())
    scores = {head: exact(draw(st.floats(0, 1, width=32))) for head in heads}
    return {
        "rank": number + 1,
        "item_id": draw(st.integers(1, 2**53 - 1)),
        "source": draw(st.sampled_from(["similar", "newest"])),
        "scores": None if explored or not heads else scores,
        "blended": None if explored else exact(draw(st.floats(-9, 9, width=32))),
        "propensity": exact(1.0),
        "explored": explored,
    }


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    heads = draw(st.sampled_from([[], ["like"], ["click", "like"]]))
    places = [place(draw, number, heads) for number in range(draw(st.integers(0, 5)))]
    return {
        "version": 2,
        "id": str(CLEAR.id),
        "source": "",
        "asker": {"service": "demo", "pseudonym": str(CLEAR.pseudonym), "epoch": 1, "region": ""},
        "model_sha256": MODEL,
        "output": {"items": places, "heads": heads, "shortfall": ""},
    }


@given(documents())
def test_the_document_comes_back_exactly(document: dict[str, Any]) -> None:
    short = compact(document)
    assert canonical(expand(short, CLEAR)) == canonical(document)
    for said in (str(CLEAR.id), str(CLEAR.pseudonym), MODEL):
        assert said.encode() not in canonical(short)


@given(documents())
def test_it_opens_only_beside_the_columns_that_it_leaves_out(document: dict[str, Any]) -> None:
    key = secrets.token_bytes(32)
    body = seal_document(key, document)
    assert open_document(key, CLEAR, body) == document
    for other in (
        Clear(id=UUID(int=9), pseudonym=CLEAR.pseudonym, model_sha256=MODEL),
        Clear(id=CLEAR.id, pseudonym=CLEAR.pseudonym, model_sha256="cd" * 32),
    ):
        with pytest.raises(SealBroken):
            open_document(key, other, body)
