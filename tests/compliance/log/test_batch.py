"""An entry stands for one commitment or a batch of them in one form each, and commitments hide what they commit to."""

from __future__ import annotations

import dataclasses
import hashlib
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.audit.log.batch import (
    BatchRefused,
    Entry,
    InnerProof,
    entry_from_proof,
    entry_of,
    inner_proof,
    parse_entry,
)
from compliance.audit.log.commitment import SaltRefused, commit
from compliance.audit.log.tree import NotProved
from tests.compliance.log.made_log import naive_root

COMMITMENTS = [hashlib.sha256(b"%d" % number).digest() for number in range(300)]
EVENT, SALT = UUID("018f3f0e-7a51-7c3e-9d57-0123456789ab"), bytes(range(32))


def test_the_layouts_are_as_documented() -> None:
    assert entry_of(COMMITMENTS[:1]) == b"\x01\x01" + COMMITMENTS[0]
    assert entry_of(COMMITMENTS) == b"\x01\x02\x00\x00\x01\x2c" + naive_root(COMMITMENTS)
    assert parse_entry(entry_of(COMMITMENTS[:1])) == Entry(count=1, hash=COMMITMENTS[0])
    assert parse_entry(entry_of(COMMITMENTS)) == Entry(count=300, hash=naive_root(COMMITMENTS))


@given(st.integers(1, 300), st.data())
def test_each_commitment_of_a_batch_is_proved_in_its_entry_and_no_other(count: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, count - 1))
    entry, proof = entry_of(COMMITMENTS[:count]), inner_proof(COMMITMENTS[:count], index)
    assert entry_from_proof(COMMITMENTS[index], proof) == entry
    assert entry_from_proof(bytes(32), proof) != entry
    if proof is not None:
        with pytest.raises(NotProved):
            entry_from_proof(COMMITMENTS[index], dataclasses.replace(proof, path=(*proof.path, bytes(32))))
        with pytest.raises(NotProved):
            entry_from_proof(COMMITMENTS[index], dataclasses.replace(proof, path=proof.path[:-1]))


def test_a_batch_of_65536_is_the_largest() -> None:
    largest = [number.to_bytes(32, "big") for number in range(65_536)]
    proof = inner_proof(largest, 65_535)
    assert entry_from_proof(largest[-1], proof) == entry_of(largest)
    with pytest.raises(BatchRefused, match="split the batch"):
        entry_of([*largest, bytes(32)])


def test_what_makes_no_entry_is_refused() -> None:
    for commitments in ([], [b"short"], [bytes(32), bytes(33)]):
        with pytest.raises(BatchRefused):
            entry_of(commitments)
    with pytest.raises(BatchRefused, match="has no event 3"):
        inner_proof(COMMITMENTS[:3], 3)
    single, batch = entry_of(COMMITMENTS[:1]), entry_of(COMMITMENTS)
    for entry in (
        b"",
        b"\x02" + single[1:],
        b"\x01\x03" + single[2:],
        single + b"\0",
        batch[:-1],
        batch[:2] + (1).to_bytes(4, "big") + batch[6:],
        batch[:2] + (65_537).to_bytes(4, "big") + batch[6:],
    ):
        with pytest.raises(BatchRefused):
            parse_entry(entry)
    with pytest.raises(BatchRefused):
        entry_from_proof(COMMITMENTS[0], InnerProof(index=0, count=1, path=()))


def test_a_commitment_is_the_documented_hash() -> None:
    salted = hashlib.sha256(SALT + b"event").digest()
    expected = hashlib.sha256(b"clerestory event commitment\n" + b"\x01" + EVENT.bytes + salted).digest()
    assert commit(EVENT, SALT, b"event") == expected


def test_a_commitment_depends_on_everything_in_it() -> None:
    other = UUID(int=EVENT.int ^ 1)
    made = {
        commit(EVENT, SALT, b"event"),
        commit(other, SALT, b"event"),
        commit(EVENT, bytes(32), b"event"),
        commit(EVENT, SALT, b"evenT"),
        commit(EVENT, SALT, b""),
    }
    assert len(made) == 5


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_salt_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(SaltRefused, match="32 random bytes"):
        commit(EVENT, bytes(length), b"event")
