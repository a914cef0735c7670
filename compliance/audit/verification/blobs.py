"""Content-addressed bytes against their addresses, and every record's snapshot and policy pack."""

from __future__ import annotations

import json
from collections.abc import Iterator

from compliance.audit.canonical import digest
from compliance.audit.models import Blob, ServeRecord
from compliance.audit.packing import unpack_bytes


def blobs() -> Iterator[str]:
    """Name blobs that were changed and blobs that are missing.

    Which ones are needed is read when this is called, not when it is first asked: a record that comes later brings
    blobs that were not seen.
    """
    needed: dict[str, str] = {}
    for row in ServeRecord.objects.only("id", "snapshot_sha256", "body").iterator(chunk_size=500):
        needed[row.snapshot_sha256] = f"serve record {row.id}: its feature snapshot"
        try:
            needed[json.loads(bytes(row.body))["policy_sha256"]] = f"serve record {row.id}: its policy pack"
        except (ValueError, LookupError, TypeError):
            continue  # the check of events names it
    return _blobs(needed)


def _blobs(needed: dict[str, str]) -> Iterator[str]:
    for blob in Blob.objects.iterator(chunk_size=200):
        needed.pop(blob.sha256, None)
        if digest(unpack_bytes(bytes(blob.content))) != blob.sha256:
            yield f"blob {blob.sha256} does not hash to its address"
    for sha256, whose in needed.items():
        yield f"{whose} {sha256} is missing"
