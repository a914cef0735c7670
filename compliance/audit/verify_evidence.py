#!/usr/bin/env python3
"""Verify an evidence bundle offline. One file, for whoever has nothing else of ours.

    python verify_evidence.py BUNDLE.zip LOG_VKEY [WITNESS_VKEY ...]

Needs Python 3.9 or newer and the package `cryptography`. Take the verifier keys, of the log and of each witness that
must have cosigned, from a place that you trust, never from whoever handed you the bundle. docs/log-format.md has the
formats. Prints a sentence per check. Exit status: 0 all hold, 1 a check failed, 2 the bundle or a key cannot be read.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
import time
import uuid
import zipfile
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

UNREADABLE = (OSError, ValueError, LookupError, TypeError, ArithmeticError, AttributeError, RuntimeError, EOFError)
NEEDED, OPTIONAL = ["record", "evidence.json", "receipt.tlog-proof"], ["earlier.checkpoint", "consistency"]
NUMBER = "0|[1-9][0-9]{0,18}"
MAX_BYTES, MAX_BESIDE = 64 * 1024 * 1024, 65_536  # of a bundle; of each file in it but the record


class Failed(Exception):
    """A check does not hold."""


class Key(NamedTuple):
    name: str
    kind: int  # 1 signs notes; 4 cosigns checkpoints, with a time
    public: bytes
    id: bytes


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def decode64(text: str, size: int) -> bytes:
    content = base64.b64decode(text, validate=True)
    if base64.b64encode(content).decode() != text or len(content) != size:
        raise ValueError(f"{text[:60]!r} is not {size} bytes in the one spelling that base64 has for them.")
    return content


def read_key(text: str) -> Key:
    name, identity, material = [*text.split("+", 2), "", ""][:3]
    content = decode64(material, 33)
    key = Key(name, content[0], content[1:], sha256(name.encode(), b"\n", content)[:4])
    if not name or content[0] not in (1, 4) or key.id.hex() != identity:
        raise ValueError(f"{text!r} is not a verifier key of kind 1 or 4 with the id {key.id.hex()}.")
    return key


def open_checkpoint(note: str, log: Key, witnesses: Sequence[Key]) -> tuple[int, bytes, list[str]]:
    """The size and root of a checkpoint, and a sentence for each key that must have signed it."""
    text, _, block = note.rpartition("\n\n")
    match = re.fullmatch(f"(.+)\n({NUMBER})\n(.+)", text)
    if not match or not block.endswith("\n"):
        raise ValueError("A checkpoint is three lines, an empty line, and lines of signatures.")
    said = [check_signature(text + "\n", key, block[:-1].split("\n")) for key in (log, *witnesses)]
    if match[1] != log.name:
        raise Failed(f"The checkpoint is of the log {match[1]!r}, but your key is of {log.name}.")
    return int(match[2]), decode64(match[3], 32), said


def check_signature(text: str, key: Key, lines: Sequence[str]) -> str:
    who, message, when = f"{key.name} ({key.id.hex()})", text.encode(), ""
    for name, _, material in (line.rpartition(" ") for line in lines):
        if name != f"\u2014 {key.name}" or base64.b64decode(material)[:4] != key.id:
            continue  # a signature of a key that you did not name proves nothing
        signature = decode64(material, 68 if key.kind == 1 else 76)[4:]
        if key.kind == 4:
            seconds, signature = int.from_bytes(signature[:8], "big"), signature[8:]
            message = f"cosignature/v1\ntime {seconds}\n{text}".encode()
            when = time.strftime(" at %Y-%m-%d %H:%M:%S UTC", time.gmtime(min(seconds, 1 << 37)))
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
        except InvalidSignature:
            raise Failed(f"The signature of {who} does not fit the checkpoint.") from None
        return f"{who} signed the checkpoint{when}."
    raise Failed(f"{who} has not signed the checkpoint.")


def climb(index: int, size: int, path: Sequence[bytes]) -> list[tuple[bytes, bool]]:
    """RFC 9162 2.1.3.2 and 2.1.4.2: each hash of a path, and whether it stands on the left."""
    inner = (index ^ (size - 1)).bit_length()  # below this height each node has a sibling; above it, only right ones
    if not 0 <= index < size or len(path) != inner + bin(index >> inner).count("1"):
        raise Failed(f"A proof for entry {index} of {size} has too few hashes, or too many.")
    return [(sibling, height >= inner or bool(index >> height & 1)) for height, sibling in enumerate(path)]


def root_by_path(entry: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    root = sha256(b"\0", entry)
    for sibling, left in climb(index, size, path):
        root = sha256(b"\1", sibling, root) if left else sha256(b"\1", root, sibling)
    return root


def check_growth(old: int, new: int, old_root: bytes, new_root: bytes, path: list[bytes]) -> None:
    holds = not path and old_root == (sha256() if old == 0 else new_root)
    if 0 < old < new:
        before, *path = (path or [b""]) if old & (old - 1) else [old_root, *path]
        after, below = before, (old & -old).bit_length() - 1  # the old tree ends in a complete subtree of this height
        for sibling, left in climb((old - 1) >> below, ((new - 1) >> below) + 1, path):
            before = sha256(b"\1", sibling, before) if left else before
            after = sha256(b"\1", sibling, after) if left else sha256(b"\1", after, sibling)
        holds = (before, after) == (old_root, new_root)
    if not holds or old > new:
        raise Failed(f"The log is not shown to have grown from {old} to {new} entries: it may have forked.")


def read_bundle(path: str) -> dict[str, bytes]:
    with open(path, "rb") as file:  # noqa: PTH123 - one import less
        size = file.seek(-42, 2) + 42
        if size > MAX_BYTES or not re.fullmatch(b"(?s)(?!PK\6\7).{20}PK\5\6.{10}\0\0.{4}\0\0", file.read()):
            raise ValueError(f"It must be a zip of at most {MAX_BYTES} bytes, with few names, no comment, no zip64.")
        with zipfile.ZipFile(file) as archive:
            names = [info.orig_filename for info in archive.infolist()]
            if sorted(names) not in (sorted(NEEDED), sorted(NEEDED + OPTIONAL)):
                raise ValueError(f"It must hold {', '.join(NEEDED)} once, and holds {ascii(names)[:200]}.")
            for info in archive.infolist():
                most, more = size if info.filename == "record" else MAX_BESIDE, info.extra + info.comment
                if info.compress_type or more or not info.compress_size == info.file_size <= most:
                    raise ValueError(f"{info.filename} is compressed, of two sizes, over {most} bytes, or annotated.")
            return {name: archive.read(name) for name in names}


def read_entry(document: bytes, record: bytes) -> tuple[bytes, str]:
    """The log entry that the record leads to, and a sentence about how."""
    given = json.loads(document)
    event_id, salt, batch = uuid.UUID(given["event_id"]), bytes.fromhex(given["salt"]), given["batch"]
    path = [bytes.fromhex(each) for each in batch["path"]] if batch else []
    index, count = (int(batch["index"]), int(batch["count"])) if batch else (0, 1)
    place = batch and {"count": count, "index": index, "path": [each.hex() for each in path]}
    spelt = {"batch": place, "event_id": str(event_id), "salt": salt.hex(), "version": 1}
    # What was read must be spelt in these very bytes: no other key, type, case or space means the same evidence.
    if document != json.dumps(spelt, indent=1, sort_keys=True).encode() + b"\n" or {*map(len, [salt, *path])} != {32}:
        raise ValueError("evidence.json is not of version 1, not in its one spelling, or a hash has not 32 bytes.")
    commitment = sha256(b"clerestory event commitment\n\x01", event_id.bytes, sha256(salt, record))
    said = f"The record of {len(record)} bytes, as event {event_id} with its salt, commits to {commitment.hex()}"
    if batch is None:
        return b"\x01\x01" + commitment, f"{said}, which is an entry by itself."
    if not 2 <= count <= 65_536 or not 0 <= index < count:
        raise ValueError("A batch has 2 to 65,536 events, and an index below their number.")
    root = root_by_path(commitment, index, count, path)
    return b"\x01\x02" + count.to_bytes(4, "big") + root, f"{said}, number {index} of the {count} in its entry."


def verify(files: dict[str, bytes], log: Key, witnesses: Sequence[Key]) -> Iterator[str]:
    head, _, note = files["receipt.tlog-proof"].decode().partition("\n\n")
    if not (match := re.fullmatch(f"c2sp.org/tlog-proof@v1\n(?:extra .+\n)?index ({NUMBER})((?:\n.+)*)", head)):
        raise ValueError("receipt.tlog-proof is no c2sp.org/tlog-proof@v1.")
    index, path = int(match[1]), [decode64(line, 32) for line in match[2].split("\n")[1:]]
    size, root, said = open_checkpoint(note, log, witnesses)
    yield from said
    entry, how = read_entry(files["evidence.json"], files["record"])
    yield how
    if root_by_path(entry, index, size, path) != root:
        raise Failed(f"The record does not lead to entry {index} of {size}: it, its salt or a proof differs.")
    yield f"That is entry {index} of the {size} under the signed root {root.hex()}: the record is as logged."
    if "consistency" in files:
        old, before, _ = open_checkpoint(files["earlier.checkpoint"].decode(), log, ())
        growth = [decode64(line, 32) for line in files["consistency"].decode().splitlines()]
        check_growth(old, size, before, root, growth)
        yield f"The log grew from its checkpoint of {old} entries with the root {before.hex()}: compare yours."


def say(text: str, status: int = 0) -> int:
    sys.stdout.write(re.sub("[^ -~]", lambda each: ascii(each[0])[1:-1], text) + "\n")  # a bundle cannot add lines
    return status


def main() -> int:
    if len(sys.argv) < 3:
        sys.stdout.write(__doc__ or "")
        return 2
    try:
        log, *witnesses = [read_key(each) for each in sys.argv[2:]]
        for said in verify(read_bundle(sys.argv[1]), log, witnesses):
            say(f"holds: {said}")
    except Failed as error:
        return say(f"FAILS: {error}", 1)
    except (*UNREADABLE, zipfile.BadZipFile) as error:
        return say(f"UNREADABLE: {type(error).__name__}: {str(error)[:500]}", 2)
    return say("Everything holds.")


if __name__ == "__main__":
    sys.exit(main())
