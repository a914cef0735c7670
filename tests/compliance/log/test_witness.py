"""The witness cosigns growth, once it is on disk, and refuses everything else with the sentence and status it needs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from compliance.audit.log.note import COSIGNATURE, NoteRefused, cosignature_line, open_note
from compliance.audit.log.tree import consistency_proof
from compliance.audit.log.witness import (
    AddCheckpoint,
    Witness,
    WitnessRefused,
    cosigned,
    parse_add_checkpoint,
)
from tests.compliance.log.made_log import (
    LOG_KEY,
    WITNESS_KEY,
    key_of,
    made_entries,
    naive_reader,
    naive_root,
    signed,
)

ENTRIES = made_entries(40)
FORKED = [*ENTRIES[:7], b"forked", *ENTRIES[8:]]
LOG, COSIGNER = LOG_KEY.verifier(), WITNESS_KEY.verifier(COSIGNATURE)


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(state=tmp_path / "feeds", key=WITNESS_KEY, log=LOG)


def request(old: int, new: int, entries: Sequence[bytes] = ENTRIES) -> AddCheckpoint:
    path = consistency_proof(old, new, naive_reader(entries))
    return AddCheckpoint(old_size=old, path=tuple(path), checkpoint=signed(new, naive_root(entries[:new])))


def refusal(witness: Witness, asked: AddCheckpoint) -> WitnessRefused:
    held = witness.latest()
    with pytest.raises(WitnessRefused) as caught:
        witness.add_checkpoint(asked, now=9)
    assert witness.latest() == held
    return caught.value


def test_growth_is_cosigned_and_survives_a_restart(witness: Witness, tmp_path: Path) -> None:
    for old, new in ((0, 10), (10, 10), (10, 37), (37, 40)):
        asked = request(old, new)
        again = Witness(state=tmp_path / "feeds", key=WITNESS_KEY, log=LOG)
        line = again.add_checkpoint(parse_add_checkpoint(asked.body()), now=1_700_000_000)
        note = cosigned(asked.checkpoint, [line], log=LOG, witnesses=[COSIGNER])
        assert [each.key for each in open_note(note, [LOG, COSIGNER]).signatures] == [LOG, COSIGNER]
    assert witness.latest().size == 40


def test_the_record_is_on_disk_before_the_answer(witness: Witness, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(handle: int) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="the disk is gone"):
        witness.add_checkpoint(request(0, 10), now=1)
    monkeypatch.undo()
    assert witness.latest().size == 0


def test_two_roots_for_one_size_are_called_a_fork(witness: Witness) -> None:
    witness.add_checkpoint(request(0, 10), now=1)
    refused = refusal(witness, request(10, 10, FORKED))
    assert refused.status == 409
    assert "forked: it signed the root" in str(refused)


def test_a_history_that_changed_before_the_cosigned_size_is_refused(witness: Witness) -> None:
    witness.add_checkpoint(request(0, 10), now=1)
    refused = refusal(witness, request(10, 20, FORKED))
    assert refused.status == 422
    assert "not shown to have grown from 10 entries" in str(refused)


def test_a_log_cannot_go_back(witness: Witness) -> None:
    witness.add_checkpoint(request(0, 20), now=1)
    assert refusal(witness, request(10, 15)).status == 409
    refused = refusal(witness, AddCheckpoint(old_size=20, path=(), checkpoint=signed(10, naive_root(ENTRIES[:10]))))
    assert refused.status == 400


def test_an_old_size_that_is_not_held_is_told_which_is(witness: Witness) -> None:
    witness.add_checkpoint(request(0, 10), now=1)
    refused = refusal(witness, request(5, 20))
    assert (refused.status, refused.size) == (409, 10)


def test_other_logs_and_other_keys_are_refused(witness: Witness) -> None:
    stranger, thief = key_of("other.example/log", seed=3), key_of(LOG_KEY.name, seed=3)
    root = naive_root(ENTRIES[:5])
    for key, status in ((stranger, 404), (thief, 403)):
        asked = AddCheckpoint(old_size=0, path=(), checkpoint=signed(5, root, key))
        assert refusal(witness, asked).status == status


def test_a_damaged_record_stops_the_witness(witness: Witness, tmp_path: Path) -> None:
    witness.add_checkpoint(request(0, 10), now=1)
    (tmp_path / "feeds").write_text("log.example/feeds\n1")
    with pytest.raises(NoteRefused):
        witness.add_checkpoint(request(0, 20), now=2)


BODY = request(10, 37).body()


@pytest.mark.parametrize(
    "body",
    [
        "",
        BODY.replace("old 10", "old 010"),
        BODY.replace("old 10", "old -1"),
        BODY.replace("old 10", "10"),
        BODY.replace("old 10\n", "old 10\n" + "A" * 43 + "=\n" * 64),
        BODY.replace("old 10\n", "old 10\nAAAA\n"),
        BODY.replace("old 10\n", "old 10\n" + ("A" * 43 + "=\n") * 64),
        BODY.replace("\n\n", "\n"),
    ],
)
def test_a_malformed_request_is_refused(body: str) -> None:
    with pytest.raises(WitnessRefused) as caught:
        parse_add_checkpoint(body)
    assert caught.value.status == 400


def test_only_known_witnesses_lines_are_taken_over() -> None:
    checkpoint = signed(5, naive_root(ENTRIES[:5]))
    text = checkpoint.partition("\n\n")[0] + "\n"
    good = cosignature_line(text, WITNESS_KEY, time=5)
    stranger = cosignature_line(text, key_of("stranger.example", seed=3), time=5)
    assert cosigned(checkpoint, [stranger, good, good], log=LOG, witnesses=[COSIGNER]) == checkpoint + good
    bad = cosignature_line(text.replace("5", "6"), WITNESS_KEY, time=5)
    with pytest.raises(NoteRefused, match="does not fit"):
        cosigned(checkpoint, [bad], log=LOG, witnesses=[COSIGNER])
