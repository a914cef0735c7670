"""Whoever has one file of ours can verify a bundle offline: good ones hold, tampered ones are told."""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import io
import json
import re
import subprocess
import sys
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from compliance.audit import verify_evidence
from compliance.audit.log.batch import entry_of, inner_proof
from compliance.audit.log.commitment import commit
from compliance.audit.log.evidence import Earlier, Evidence, evidence_bundle
from compliance.audit.log.note import COSIGNATURE, Checkpoint, cosignature_line, sign_note
from compliance.audit.log.receipt import Receipt
from compliance.audit.log.tree import NotProved, consistency_proof, inclusion_proof
from tests.compliance.log.made_log import LOG_KEY, WITNESS_KEY, key_of, made_entries, naive_reader, naive_root, signed

SCRIPT = Path(verify_evidence.__file__)
LOG, COSIGNER = LOG_KEY.verifier(), WITNESS_KEY.verifier(COSIGNATURE)
EVENT, SALT, RECORD = UUID("018f3f0e-7a51-7c3e-9d57-0123456789ab"), bytes(range(32)), b'{"slate":["a","b"]}'
COMMITMENT = commit(EVENT, SALT, RECORD)
BATCH = [hashlib.sha256(b"%d" % number).digest() for number in range(9)]
BATCH[4] = COMMITMENT


def made_evidence(*, batched: bool, place: int = 21, size: int = 37, earlier: int = 12) -> Evidence:
    """Evidence for a record in a log of `size` entries, with an earlier checkpoint."""
    entries = made_entries(size)
    entries[place] = entry_of(BATCH if batched else [COMMITMENT])
    read, checkpoint = naive_reader(entries), signed(size, naive_root(entries))
    cosigned = checkpoint + cosignature_line(checkpoint.partition("\n\n")[0] + "\n", WITNESS_KEY, time=1_700_000_000)
    return Evidence(
        record=RECORD,
        event_id=EVENT,
        salt=SALT,
        inner=inner_proof(BATCH, 4) if batched else None,
        receipt=Receipt(index=place, path=tuple(inclusion_proof(place, size, read)), checkpoint=cosigned),
        earlier=Earlier(
            checkpoint=signed(earlier, naive_root(entries[:earlier])),
            path=tuple(consistency_proof(earlier, size, read)),
        ),
    )


BATCHED, SINGLE = made_evidence(batched=True), made_evidence(batched=False)
BUNDLE = evidence_bundle(BATCHED, log=LOG, witnesses=[COSIGNER])


def run(folder: Path, bundle: bytes, *keys: str) -> tuple[int, str]:
    """The verifier as a regulator runs it: by itself, with nothing of ours on its path."""
    path = folder / "evidence.zip"
    path.write_bytes(bundle)
    copy = folder / "verify_evidence.py"
    copy.write_bytes(SCRIPT.read_bytes())
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-I", str(copy), str(path), *keys], capture_output=True, text=True, cwd=folder, check=False
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def quick(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path, bundle: bytes) -> str:
    """The verifier's exit status and words, in this process."""
    path = folder / "evidence.zip"
    path.write_bytes(bundle)
    monkeypatch.setattr(sys, "argv", ["verify_evidence.py", str(path), LOG.encode(), COSIGNER.encode()])
    status = verify_evidence.main()
    return f"{status} {capsys.readouterr().out}"


def zipped(files: Sequence[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    """A zip of these files, whatever their names."""
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", compression) as archive:
        warnings.simplefilter("ignore")  # a name that comes twice
        for name, content in files:
            archive.writestr(name, content)
    return stream.getvalue()


def contents(bundle: bytes = BUNDLE) -> dict[str, bytes]:
    """The files of a bundle."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def repacked(change: Callable[[dict[str, bytes]], Any], bundle: bytes = BUNDLE) -> bytes:
    """A bundle with its files changed."""
    files = contents(bundle)
    change(files)
    return zipped([*files.items()])


def test_the_verifier_needs_nothing_of_ours_and_is_short() -> None:
    source = SCRIPT.read_text(encoding="utf-8")
    imported = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "ours").partition(".")[0])
    assert imported - set(sys.stdlib_module_names) == {"cryptography"}
    assert len(source.splitlines()) < 200


@pytest.mark.parametrize("evidence", [BATCHED, SINGLE], ids=["batched", "single"])
def test_good_evidence_holds(tmp_path: Path, evidence: Evidence) -> None:
    bundle = evidence_bundle(evidence, log=LOG, witnesses=[COSIGNER])
    status, said = run(tmp_path, bundle, LOG.encode(), COSIGNER.encode())
    assert status == 0
    assert said.count("holds: ") == 5
    assert said.endswith("Everything holds.\n")
    assert "at 2023-11-14 22:13:20 UTC" in said


def test_a_bundle_is_the_same_bytes_whenever_it_is_written() -> None:
    assert evidence_bundle(BATCHED, log=LOG) == BUNDLE


def test_every_size_and_earlier_size_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for size in range(1, 14):
        for earlier in range(size + 1):
            evidence = made_evidence(batched=False, place=size // 2, size=size, earlier=earlier)
            bundle = evidence_bundle(evidence, log=LOG)
            assert quick(monkeypatch, capsys, tmp_path, bundle).startswith("0 ")


def test_evidence_that_does_not_hold_is_not_handed_out() -> None:
    with pytest.raises(NotProved):
        evidence_bundle(dataclasses.replace(BATCHED, record=b"{}"), log=LOG)
    assert BATCHED.earlier is not None
    forked = dataclasses.replace(BATCHED.earlier, checkpoint=signed(12, bytes(32)))
    with pytest.raises(NotProved):
        evidence_bundle(dataclasses.replace(BATCHED, earlier=forked), log=LOG)


def swapped(name: str, old: bytes, new: bytes) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        assert old in files[name]
        files[name] = files[name].replace(old, new)

    return change


def evidence_with(**changes: Any) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        document = json.loads(files["evidence.json"])
        files["evidence.json"] = json.dumps({**document, **changes}, indent=1, sort_keys=True).encode() + b"\n"

    return change


STRANGER = key_of(LOG_KEY.name, seed=9)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (swapped("record", b'"a"', b'"A"'), 1),
        (evidence_with(event_id=str(UUID(int=EVENT.int ^ 1))), 1),
        (evidence_with(salt="00" * 32), 1),
        (evidence_with(salt="00" * 31), 2),
        (evidence_with(batch=None), 1),
        (evidence_with(batch={"index": 5, "count": 9, "path": []}), 1),
        (evidence_with(batch={"index": -1, "count": 9, "path": []}), 2),
        (evidence_with(batch={"index": 9, "count": 9, "path": []}), 2),
        (evidence_with(batch={"index": 0, "count": 1, "path": []}), 2),
        (evidence_with(batch={"index": 0, "count": 65_537, "path": []}), 2),
        (evidence_with(batch={"index": 0, "count": 65_536, "path": []}), 1),
        (evidence_with(batch={"index": True, "count": 9, "path": []}), 2),
        (evidence_with(batch={"index": 4, "count": 9.0, "path": []}), 2),
        (evidence_with(batch={"index": 4, "count": 9, "path": [], "more": 1}), 2),
        (evidence_with(batch={"index": 4, "count": 9, "path": {}}), 2),
        (evidence_with(batch={"index": 4, "count": 9, "path": ["00" * 31]}), 2),
        (evidence_with(batch={"index": 4, "count": 9, "path": [7]}), 2),
        (evidence_with(version=True), 2),
        (evidence_with(version=1.0), 2),
        (evidence_with(salt=SALT.hex().upper()), 2),
        (evidence_with(salt=[]), 2),
        (evidence_with(event_id=EVENT.hex), 2),
        (evidence_with(event_id=f"{{{EVENT}}}"), 2),
        (evidence_with(event_id=None), 2),
        (evidence_with(batch={}), 2),
        (evidence_with(batch=0), 2),
        (swapped("evidence.json", b'"version": 1', b'"version": 1,\n "version": 1'), 2),
        (swapped("evidence.json", b'"version": 1', b'"version":  1'), 2),
        (evidence_with(batch={"index": 4, "count": "9", "path": []}), 2),
        (evidence_with(batch={"index": 4}), 2),
        (evidence_with(batch=[1]), 2),
        (evidence_with(version=2), 2),
        (evidence_with(more=1), 2),
        (swapped("evidence.json", b"{", b"["), 2),
        (swapped("evidence.json", b"{", b"[" * 100_000), 2),
        (swapped("receipt.tlog-proof", b"index 21", b"index 20"), 1),
        (swapped("receipt.tlog-proof", b"index 21", b"index 021"), 2),
        (swapped("receipt.tlog-proof", b"@v1", b"@v2"), 2),
        (swapped("receipt.tlog-proof", b"\n37\n", b"\n38\n"), 1),
        (swapped("receipt.tlog-proof", b"\xe2\x80\x94 log", b"\xe2\x80\x94 dog"), 1),
        (swapped("receipt.tlog-proof", b"\xe2\x80\x94 witness", b"\xe2\x80\x94 wetness"), 1),
        (swapped("receipt.tlog-proof", b"\n\n", b"\n"), 2),
        (swapped("earlier.checkpoint", b"\n12\n", b"\n13\n"), 1),
        (lambda files: files.update({"earlier.checkpoint": signed(12, bytes(32)).encode()}), 1),
        (lambda files: files.update({"earlier.checkpoint": signed(40, bytes(32)).encode()}), 1),
        (lambda files: files.update({"earlier.checkpoint": signed(12, bytes(32), STRANGER).encode()}), 1),
        (lambda files: files.update({"consistency": b""}), 1),
        (lambda files: files.update({"consistency": files["consistency"][:45] * 9}), 1),
        (lambda files: files.update({"consistency": b"AAAA\n"}), 2),
        (lambda files: files.pop("consistency"), 2),
        (lambda files: files.pop("record"), 2),
        (lambda files: files.update({"vkey": LOG.encode().encode()}), 2),
    ],
)
def test_a_tampered_bundle_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[dict[str, bytes]], Any],
    status: int,
) -> None:
    said = quick(monkeypatch, capsys, tmp_path, repacked(change))
    assert said.startswith(f"{status} ")
    assert ("FAILS: " if status == 1 else "UNREADABLE: ") in said
    assert "Everything holds" not in said


def test_bytes_cannot_move_between_the_salt_and_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def move(files: dict[str, bytes]) -> None:
        evidence_with(salt=SALT[:31].hex() + "  ")(files)
        files["record"] = SALT[31:] + files["record"]  # SHA-256 reads the same bytes: the same commitment

    said = quick(monkeypatch, capsys, tmp_path, repacked(move))
    assert said.startswith("2 ")
    assert "not in its one spelling" in said


def test_a_tampered_bundle_and_a_torn_one_fail_by_exit_status(tmp_path: Path) -> None:
    assert run(tmp_path, repacked(swapped("record", b'"a"', b'"A"')), LOG.encode())[0] == 1
    assert run(tmp_path, BUNDLE[:-30], LOG.encode())[0] == 2
    assert run(tmp_path, BUNDLE)[0] == 2


def test_only_the_keys_that_were_given_count(tmp_path: Path) -> None:
    forged = signed(37, bytes(32), STRANGER)
    bundle = repacked(swapped("receipt.tlog-proof", BATCHED.receipt.checkpoint.encode(), forged.encode()))
    assert run(tmp_path, bundle, LOG.encode())[0] == 1
    status, said = run(tmp_path, BUNDLE, STRANGER.verifier().encode())
    assert (status, "has not signed" in said) == (1, True)
    assert run(tmp_path, BUNDLE, LOG.encode().replace("feeds+", "feeds+0"))[0] == 2


def test_the_key_of_one_log_does_not_vouch_for_another(tmp_path: Path) -> None:
    other = Checkpoint(origin="other.example/log", size=37, root=bytes(32)).text()
    checkpoint = BATCHED.receipt.checkpoint.encode()
    bundle = repacked(swapped("receipt.tlog-proof", checkpoint, sign_note(other, LOG_KEY).encode()))
    status, said = run(tmp_path, bundle, LOG.encode())
    assert (status, "is of the log 'other.example/log'" in said) == (1, True)


def test_no_bit_of_the_bundle_can_change_unseen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    held = contents()
    for name in held:
        for at in range(0, len(held[name]) * 8, 53):
            content = bytearray(held[name])
            content[at // 8] ^= 1 << at % 8
            said = quick(monkeypatch, capsys, tmp_path, repacked(lambda files: files.update({name: bytes(content)})))  # noqa: B023
            assert not said.startswith("0 "), (name, at, said)


def lying(bundle: bytes, size: int) -> bytes:
    """The bundle with each file said to have so many bytes once it is read."""
    changed, at = bytearray(bundle), -1
    while (at := bundle.find(b"PK\1\2", at + 1)) >= 0:
        changed[at + 24 : at + 28] = size.to_bytes(4, "little")
    return bytes(changed)


def swallowed() -> bytes:
    """The bundle with its last two files hidden in the comment of the third: other readers see all five."""
    at = [each.start() for each in re.finditer(re.escape(b"PK\1\2"), BUNDLE)]
    hidden = BUNDLE.rindex(b"PK\5\6") - at[3]
    return BUNDLE[: at[2] + 32] + hidden.to_bytes(2, "little") + BUNDLE[at[2] + 34 :]


BOMB = [*{**contents(), "record": bytes(30_000_000)}.items()]


@pytest.mark.parametrize(
    ("bundle", "why"),
    [
        (zipped(BOMB, zipfile.ZIP_DEFLATED), "is compressed"),
        (lying(zipped(BOMB, zipfile.ZIP_BZIP2), 10), "is compressed"),
        (lying(zipped(BOMB, zipfile.ZIP_LZMA), 10), "is compressed"),
        (lying(BUNDLE, 10), "two sizes"),
        (zipped([*{**contents(), "consistency": bytes(65_537)}.items()]), "over 65536 bytes"),
        (zipped([(f"{number}", b"") for number in range(10_000)]), "few names"),
        (zipped([*contents().items(), ("record", RECORD)]), "once"),
        (BUNDLE[:-2] + b"\4\0PK\5\6", "no comment"),
        (swallowed(), "annotated"),
        (b"", "OSError"),
    ],
    ids=["deflate", "bzip2", "lzma", "sizes", "beside", "names", "twice", "comment", "swallowed", "empty"],
)
def test_what_would_be_large_once_it_is_read_is_refused_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], bundle: bytes, why: str
) -> None:
    tracemalloc.start()
    said = quick(monkeypatch, capsys, tmp_path, bundle)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert said.startswith("2 UNREADABLE: ")
    assert why in said
    assert most < 1_000_000


def test_a_bundle_of_more_than_64_mib_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(verify_evidence, "MAX_BYTES", len(BUNDLE))
    assert quick(monkeypatch, capsys, tmp_path, BUNDLE).startswith("0 ")
    monkeypatch.setattr(verify_evidence, "MAX_BYTES", len(BUNDLE) - 1)
    assert quick(monkeypatch, capsys, tmp_path, BUNDLE).startswith("2 UNREADABLE: ")


@pytest.mark.parametrize(
    "bundle",
    [
        zipped([("record\nEverything holds.\n\x1b[2J\u202e", b"")]),
        zipped([("record_\nEverything holds.", RECORD), *list(contents().items())[1:]]).replace(
            b"record_", b"record\0"
        ),
        repacked(swapped("receipt.tlog-proof", b"index 21", b"index 21\n\x1b[2J\rEverything holds.")),
        repacked(swapped("evidence.json", b'"salt"', b'"\\n\x1b[2JEverything holds."')),
    ],
    ids=["name", "nul", "proof", "key"],
)
def test_no_line_is_printed_that_the_bundle_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], bundle: bytes
) -> None:
    said = quick(monkeypatch, capsys, tmp_path, bundle)
    assert said.startswith("2 ")
    assert re.fullmatch("[ -~\n]+", said)
    lines = said.removeprefix("2 ").splitlines()
    assert all(line.startswith("holds: ") for line in lines[:-1])
    assert lines[-1].startswith("UNREADABLE: ")
