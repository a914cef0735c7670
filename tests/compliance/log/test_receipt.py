"""Receipts have one text, verify offline, and prove nothing else than their entry at its place."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.audit.log.note import COSIGNATURE, NoteRefused, cosignature_line, sign_note
from compliance.audit.log.receipt import Receipt, ReceiptRefused, parse_receipt, verify_receipt
from compliance.audit.log.tree import NotProved, inclusion_proof
from tests.compliance.log.made_log import LOG_KEY, WITNESS_KEY, key_of, made_entries, naive_reader, naive_root, signed

ENTRIES = made_entries(50)
LOG, COSIGNER = LOG_KEY.verifier(), WITNESS_KEY.verifier(COSIGNATURE)
CHECKPOINT = signed(50, naive_root(ENTRIES))
COSIGNED = CHECKPOINT + cosignature_line(CHECKPOINT.partition("\n\n")[0] + "\n", WITNESS_KEY, time=7)


def made_receipt(index: int = 33, checkpoint: str = COSIGNED, extra: bytes | None = None) -> Receipt:
    path = inclusion_proof(index, 50, naive_reader(ENTRIES))
    return Receipt(index=index, path=tuple(path), checkpoint=checkpoint, extra=extra)


@given(st.integers(0, 49), st.none() | st.binary(max_size=20))
def test_a_receipt_survives_its_text_and_verifies(index: int, extra: bytes | None) -> None:
    receipt = made_receipt(index, extra=extra)
    assert parse_receipt(receipt.text()) == receipt
    assert verify_receipt(receipt, ENTRIES[index], log=LOG, witnesses=[COSIGNER]).size == 50


def test_the_text_is_that_of_the_specification() -> None:
    lines = made_receipt(0, extra=b"hint").text().split("\n")
    assert lines[:3] == ["c2sp.org/tlog-proof@v1", "extra aGludA==", "index 0"]
    assert [len(line) for line in lines[3:10]] == [44] * 6 + [0]
    assert lines[10:12] == [LOG_KEY.name, "50"]


def test_another_entry_or_place_is_not_proved() -> None:
    receipt = made_receipt()
    with pytest.raises(NotProved):
        verify_receipt(receipt, ENTRIES[34], log=LOG)
    with pytest.raises(NotProved):
        verify_receipt(dataclasses.replace(receipt, index=34), ENTRIES[33], log=LOG)


def test_the_log_and_every_named_witness_must_have_signed() -> None:
    alone = made_receipt(checkpoint=CHECKPOINT)
    verify_receipt(alone, ENTRIES[33], log=LOG)
    with pytest.raises(NoteRefused, match=r"witness\.example/w1 .* has not signed"):
        verify_receipt(alone, ENTRIES[33], log=LOG, witnesses=[COSIGNER])
    stripped = COSIGNED.replace(CHECKPOINT.partition("\n\n")[2], "")
    with pytest.raises(NoteRefused, match=r"log\.example/feeds .* has not signed"):
        verify_receipt(made_receipt(checkpoint=stripped), ENTRIES[33], log=LOG, witnesses=[COSIGNER])


def test_a_trusted_key_does_not_vouch_for_another_log() -> None:
    other = key_of("other.example/log", seed=3)
    forged = signed(50, naive_root(ENTRIES)).partition("\n\n")[0] + "\n"
    receipt = made_receipt(checkpoint=sign_note(forged, other))
    with pytest.raises(ReceiptRefused, match="is of the log"):
        verify_receipt(receipt, ENTRIES[33], log=other.verifier())


TEXT = made_receipt(extra=b"hint").text()


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT.replace("@v1", "@v2"),
        TEXT.replace("index 33", "index 033"),
        TEXT.replace("index 33", "index -33"),
        TEXT.replace("index 33\n", ""),
        TEXT.replace("extra aGludA==", "extra aGludA"),
        TEXT.replace("extra aGludA==", "extra aGludA==\nextra aGludA=="),
        TEXT.replace("index 33\n", "index 33\nAAAA\n"),
        TEXT.replace("index 33\n", "index 33\n" + ("A" * 43 + "=\n") * 64),
        TEXT.replace("\n\n", "\n"),
    ],
)
def test_a_malformed_receipt_is_refused(text: str) -> None:
    with pytest.raises(ReceiptRefused):
        parse_receipt(text)
