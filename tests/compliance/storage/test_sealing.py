"""Sealed bytes open with their key alone, for their own record alone, and blobs are the same every time."""

from __future__ import annotations

import secrets
from uuid import UUID

import pytest
import uuid_utils.compat as uuids
from hypothesis import given
from hypothesis import strategies as st

from compliance.audit.storage.packing import NotUnpacked, newest_dictionary, pack, unpack
from compliance.audit.storage.sealing import SealBroken, is_sealed, open_blob, open_sealed, seal, seal_blob, seal_many

KEY, OTHER = secrets.token_bytes(32), secrets.token_bytes(32)
EVENT = uuids.uuid7()


@given(st.binary(max_size=5000))
def test_what_was_sealed_opens(document: bytes) -> None:
    sealed = seal(KEY, EVENT, document)
    assert is_sealed(sealed)
    assert open_sealed(KEY, EVENT, sealed) == document
    assert open_blob(KEY, seal_blob(KEY, document)) == document


def test_no_two_sealed_records_are_alike_but_blobs_are() -> None:
    assert seal(KEY, EVENT, b"same") != seal(KEY, EVENT, b"same")
    assert seal_blob(KEY, b"same") == seal_blob(KEY, b"same")
    assert seal_blob(KEY, b"same") != seal_blob(KEY, b"sane")
    assert seal_blob(KEY, b"same") != seal_blob(OTHER, b"same")


@pytest.mark.parametrize(
    ("key", "event"), [(OTHER, EVENT), (KEY, UUID(int=7))], ids=["another person's key", "another record"]
)
def test_nothing_else_opens_it(key: bytes, event: UUID) -> None:
    with pytest.raises(SealBroken):
        open_sealed(key, event, seal(KEY, EVENT, b"something"))


def test_a_record_is_no_blob() -> None:
    with pytest.raises(SealBroken):
        open_blob(KEY, seal(KEY, EVENT, b"something"))


@given(st.data())
def test_every_changed_bit_and_every_cut_is_found(data: st.DataObject) -> None:
    sealed = bytearray(seal(KEY, EVENT, b"something that is worth a seal"))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    cut = data.draw(st.integers(0, len(sealed) - 1))
    whole = bytes(sealed)
    sealed[bit // 8] ^= 1 << bit % 8
    for harmed in (bytes(sealed), whole[:cut], whole + b"x"):
        with pytest.raises(SealBroken):
            open_sealed(KEY, EVENT, harmed)


def test_packed_bytes_are_the_same_every_time_and_smaller_with_the_dictionary() -> None:
    document = b'{"applied_weights":{},"environment":{"cache_dtype":"float32","cpu_capability":"AVX512"}}'
    newest = newest_dictionary()
    assert newest >= 1
    assert pack(document, dictionary=newest) == pack(document, dictionary=newest)
    assert len(pack(document, dictionary=newest)) < len(pack(document, dictionary=0))
    assert unpack(pack(document, dictionary=newest), dictionary=newest) == document


def test_what_cannot_be_unpacked_is_refused_with_a_sentence() -> None:
    with pytest.raises(NotUnpacked, match="There is no dictionary 9999"):
        unpack(b"", dictionary=9999)
    with pytest.raises(NotUnpacked, match="not as they were written"):
        unpack(b"\x00" * 20, dictionary=0)


def test_many_are_sealed_at_once_as_each_would_be_alone() -> None:
    keys, ids = [bytes([number]) * 32 for number in range(5)], [uuids.uuid7() for _ in range(5)]
    documents = [b'{"number":%d}' % number for number in range(5)]
    sealed = seal_many(keys, ids, documents, level=1)
    assert [open_sealed(*one) for one in zip(keys, ids, sealed, strict=True)] == documents
    assert len({one[3:15] for one in sealed}) == 5  # nonces
    with pytest.raises(SealBroken):
        open_sealed(keys[0], ids[1], sealed[0])
