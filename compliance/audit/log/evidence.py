"""Evidence bundles: one zip that holds what anyone needs to verify one record offline (`verify_evidence.py`)."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from compliance.audit.log.batch import InnerProof, entry_from_proof
from compliance.audit.log.commitment import commit
from compliance.audit.log.lines import hash_lines
from compliance.audit.log.note import Checkpoint, VerifierKey, open_note, parse_checkpoint
from compliance.audit.log.receipt import Receipt, verify_receipt
from compliance.audit.log.tree import verify_consistency

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the same evidence gives the same bytes, whenever it is written


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """An earlier signed checkpoint of the same log, and the proof that the log has grown from it."""

    checkpoint: str
    path: tuple[bytes, ...]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A record's stored bytes, its event id and 32-byte salt, its place in its batch, and the receipt of its entry."""

    record: bytes
    event_id: UUID
    salt: bytes
    inner: InnerProof | None
    receipt: Receipt
    earlier: Earlier | None = None


def evidence_bundle(evidence: Evidence, *, log: VerifierKey, witnesses: Sequence[VerifierKey] = ()) -> bytes:
    """The bundle as zip bytes, the same for the same evidence.

    The evidence is verified first, so that none is handed out that does not hold. Raises what verifying raises:
    SaltRefused, BatchRefused, NotProved, NoteRefused, ReceiptRefused.
    """
    entry = entry_from_proof(commit(evidence.event_id, evidence.salt, evidence.record), evidence.inner)
    checkpoint = verify_receipt(evidence.receipt, entry, log=log, witnesses=witnesses)
    files = {
        "record": evidence.record,
        "evidence.json": _document(evidence),
        "receipt.tlog-proof": evidence.receipt.text().encode(),
    }
    if evidence.earlier is not None:
        _check_earlier(evidence.earlier, checkpoint, log)
        files["earlier.checkpoint"] = evidence.earlier.checkpoint.encode()
        files["consistency"] = hash_lines(evidence.earlier.path).encode()
    return _zipped(files)


def _document(evidence: Evidence) -> bytes:
    inner = evidence.inner
    batch = inner and {"count": inner.count, "index": inner.index, "path": [each.hex() for each in inner.path]}
    document = {"batch": batch, "event_id": str(evidence.event_id), "salt": evidence.salt.hex(), "version": 1}
    return json.dumps(document, indent=1, sort_keys=True).encode() + b"\n"


def _check_earlier(earlier: Earlier, checkpoint: Checkpoint, log: VerifierKey) -> None:
    before = parse_checkpoint(open_note(earlier.checkpoint, [log]).text)
    verify_consistency(before.size, checkpoint.size, before.root, checkpoint.root, earlier.path)


def _zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system, info.external_attr = 3, 0o644 << 16
            archive.writestr(info, content)
    return stream.getvalue()
