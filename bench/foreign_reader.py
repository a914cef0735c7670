"""Runs under another Python, with aics-tlog and nothing of ours: reads a log's folder, prints what held as JSON.

Standard input: `folder`, `log` and `witness` (vkeys), `sizes` (an earlier and the last), `proofs` (index -> path of
hexadecimal hashes), `consistency` (path). Standard output: a list of [what, figure, whether it held].
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aics_tlog as theirs  # type: ignore[import-not-found,unused-ignore]

Row = tuple[str, str, bool]


def main() -> None:
    """Check what standard input names."""
    asked = json.load(sys.stdin)
    rows = []
    for what, work in CHECKS.items():
        started = time.perf_counter()
        try:
            figure, held = work(asked), True
        except (ValueError, OSError, AssertionError, RuntimeError) as error:
            figure, held = f"{type(error).__name__}: {error}", False
        rows.append((what, f"{figure} ({time.perf_counter() - started:.2f} s)", held))
    json.dump(rows, sys.stdout)


def checkpoint(asked: dict[str, Any]) -> str:
    """The signature of the log and the cosignature of the witness, on both checkpoints."""
    for size in asked["sizes"]:
        result = head(asked, size)
        if not result.ok or (result.size, result.cosignature_count) != (size, 1):
            raise ValueError(result.error or f"size {result.size}, {result.cosignature_count} cosignatures")
    return "signed and cosigned, both sizes"


def root(asked: dict[str, Any]) -> str:
    """The root by the tiles."""
    for size in asked["sizes"]:
        if theirs.tree_root_from_tiles(tiles(asked), size, asked["sizes"][-1]) != head(asked, size).root:
            raise ValueError(f"another root at {size}")
    return "equal at both sizes"


def inclusion(asked: dict[str, Any]) -> str:
    """Their own proofs from our tiles equal ours, and lead from the entry to the signed root."""
    size = asked["sizes"][-1]
    signed = head(asked, size).root
    for index, path in each_proof(asked):
        entry = theirs.read_entry(tiles(asked), index, size)
        own = theirs.inclusion_proof_from_tiles(tiles(asked), index, size)
        if own != path or not theirs.verify_leaf_inclusion(entry, index, size, path, signed):
            raise ValueError(f"the proof of entry {index} does not hold")
        if theirs.verify_leaf_inclusion(entry + b"x", index, size, path, signed):
            raise ValueError(f"another entry {index} is taken too")
    return f"{len(asked['proofs'])} entries, one changed byte refused each time"


def consistency(asked: dict[str, Any]) -> str:
    """Our proof of growth is theirs, and holds; a changed one does not."""
    old, new = asked["sizes"]
    path = [bytes.fromhex(each) for each in asked["consistency"]]
    before, after = head(asked, old).root, head(asked, new).root
    if path != theirs.consistency_proof_from_tiles(tiles(asked), old, new):
        raise ValueError("their proof is another")
    if not theirs.verify_consistency(old, new, before, after, path):
        raise ValueError("the proof does not hold")
    if theirs.verify_consistency(old, new, before, after, [bytes(32), *path[1:]]):
        raise ValueError("a changed proof holds too")
    return f"{old:,} to {new:,}, {len(path)} hashes"


def audit(asked: dict[str, Any]) -> str:
    """Every tile and bundle against the signed root."""
    size = asked["sizes"][-1]
    report = theirs.audit_tiles(tiles(asked), size, head(asked, size).root)
    return f"{report.tiles} tiles, {report.bundles} bundles"


def head(asked: dict[str, Any], size: int) -> Any:
    """Their reading of a checkpoint."""
    note = theirs.parse_note((Path(asked["folder"]) / f"checkpoint.{size}").read_bytes())
    log, witness = theirs.parse_vkey(asked["log"]), theirs.parse_vkey(asked["witness"])
    return theirs.verify_checkpoint(note, log, [witness], quorum=1, expected_origin=log.name)


def tiles(asked: dict[str, Any]) -> Any:
    """Their reader of our folder."""
    return theirs.FileSystemTileReader(asked["folder"])


def each_proof(asked: dict[str, Any]) -> Iterator[tuple[int, list[bytes]]]:
    """Indices and our paths."""
    for index, path in asked["proofs"].items():
        yield int(index), [bytes.fromhex(each) for each in path]


CHECKS: dict[str, Callable[[dict[str, Any]], str]] = {
    "checkpoint": checkpoint,
    "root": root,
    "inclusion": inclusion,
    "consistency": consistency,
    "full audit": audit,
}

if __name__ == "__main__":
    main()
