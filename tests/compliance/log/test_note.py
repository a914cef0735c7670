"""Notes, keys, checkpoints and cosignatures are those of C2SP, by its example and by a public log's own checkpoint."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.audit.log.note import (
    COSIGNATURE,
    Checkpoint,
    NoteRefused,
    cosignature_line,
    open_note,
    parse_checkpoint,
    parse_vkey,
    sign_note,
    signature_line,
)
from tests.compliance.log.made_log import LOG_KEY, WITNESS_KEY, key_of

# The example of c2sp.org/signed-note.
SPEC_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
# A checkpoint of a public log, with a signature of a kind that we do not know, and with cosignatures.
PUBLIC_CHECKPOINT = """\
arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
"""  # noqa: E501 - as it was published
PUBLIC_LOG = "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
PUBLIC_WITNESS = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"

BODY = Checkpoint(origin=LOG_KEY.name, size=7, root=bytes(range(32))).text()
LOG, WITNESS = LOG_KEY.verifier(), WITNESS_KEY.verifier(COSIGNATURE)


def test_the_example_key_and_note_of_the_specification_verify() -> None:
    key = parse_vkey(SPEC_VKEY)
    assert key.encode() == SPEC_VKEY
    assert open_note(SPEC_NOTE, [key]).text == "This is an example message.\n"
    with pytest.raises(NoteRefused, match="does not fit"):
        open_note(SPEC_NOTE.replace("example message", "exAmple message"), [key])


def test_a_public_checkpoint_verifies_with_its_log_and_a_witness() -> None:
    log, witness = parse_vkey(PUBLIC_LOG), parse_vkey(PUBLIC_WITNESS)
    opened = open_note(PUBLIC_CHECKPOINT, [log, witness])
    assert [(each.key, each.time) for each in opened.signatures] == [(log, None), (witness, 1779573024)]
    assert parse_checkpoint(opened.text).size == 1432088532
    for key in (log, witness):
        with pytest.raises(NoteRefused, match="does not fit"):
            open_note(PUBLIC_CHECKPOINT.replace("1432088532", "1432088533"), [key])


def test_signatures_of_unknown_keys_are_ignored_but_one_known_is_required() -> None:
    stranger = key_of("stranger.example", seed=3)
    note = sign_note(BODY, stranger) + signature_line(BODY, LOG_KEY)
    assert [each.key for each in open_note(note, [LOG]).signatures] == [LOG]
    with pytest.raises(NoteRefused, match="No key that is trusted"):
        open_note(sign_note(BODY, stranger), [LOG])
    namesake = key_of(LOG_KEY.name, seed=3)
    with pytest.raises(NoteRefused, match="No key that is trusted"):
        open_note(sign_note(BODY, namesake), [LOG])


def test_a_bad_signature_under_a_known_key_refuses_the_whole_note() -> None:
    note = sign_note(BODY, LOG_KEY) + cosignature_line(BODY.replace("7", "8"), WITNESS_KEY, time=5)
    assert open_note(note, [LOG]).text == BODY
    with pytest.raises(NoteRefused, match="does not fit"):
        open_note(note, [LOG, WITNESS])


def test_a_cosignature_covers_its_time() -> None:
    note = sign_note(BODY, LOG_KEY) + cosignature_line(BODY, WITNESS_KEY, time=1_700_000_000)
    assert [each.time for each in open_note(note, [LOG, WITNESS]).signatures] == [None, 1_700_000_000]
    with pytest.raises(NoteRefused, match="No key"):  # the same key in its other role signs nothing here
        open_note(BODY + "\n" + cosignature_line(BODY, WITNESS_KEY, time=1), [WITNESS_KEY.verifier()])


@given(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_has_one_text(size: int, root: bytes) -> None:
    checkpoint = Checkpoint(origin="log.example/a", size=size or 1, root=root)
    assert parse_checkpoint(checkpoint.text()) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        BODY[:-1],
        BODY + "\n",
        BODY + "extension\n",
        "\n" + BODY,
        BODY.replace("\n7\n", "\n07\n"),
        BODY.replace("\n7\n", "\n+7\n"),
        BODY.replace("\n7\n", "\n\u0667\n"),
        BODY.replace("\n7\n", "\n9223372036854775808\n"),
        BODY.replace("\n7\n", "\n0\n"),
        BODY.replace("Hh8=", "Hh9="),
        BODY.replace("Hh8=", "Hh8"),
        BODY.replace("Hh8=", "Hg=="),
    ],
)
def test_a_malformed_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteRefused):
        parse_checkpoint(text)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "example.com/foo",
        SPEC_VKEY.replace("530d903a", "530d903b"),
        SPEC_VKEY.replace("530d903a", "530D903A"),
        SPEC_VKEY.replace("example.com/foo", "example.com/fo"),
        SPEC_VKEY.replace("example.com/foo", "example.com/ foo"),
        SPEC_VKEY[:-4],
        SPEC_VKEY.replace("+Aek", "+Auk"),
    ],
)
def test_a_malformed_key_is_refused(vkey: str) -> None:
    with pytest.raises(NoteRefused):
        parse_vkey(vkey)


@pytest.mark.parametrize(
    "note",
    [
        BODY,
        SPEC_NOTE[:-1],
        SPEC_NOTE.replace("— ", "- "),
        SPEC_NOTE.replace("\n\n", "\n"),
        SPEC_NOTE.replace("an example", "an\texample"),
        SPEC_NOTE + "— example.com/foo Uw2QOg==\n",
        SPEC_NOTE + "— example.com/foo\n",
        SPEC_NOTE + "— a b c\n",
        SPEC_NOTE + "— other.example ????\n",
        SPEC_NOTE + "— other.example AAAAAAA=\n" * 100,
    ],
)
def test_a_malformed_note_is_refused(note: str) -> None:
    with pytest.raises(NoteRefused):
        open_note(note, [parse_vkey(SPEC_VKEY)])
