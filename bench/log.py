"""The audit log as files: writing, proving, auditing, and finding what was changed: `python bench/log.py --check`.

Needs no database; bench/audit.py measures what lies in one. Entries are drawn at random. Two things are measured beside
bare leaf hashing. Tiles in memory: leaf hashing and rolling up into tiles, without bundles and files; the target is for
this, with entries of 1,350 bytes, as the median over pairs with leaf hashing right before, so that noise hits
both. The durable writer: all of `append`, with bundles, files and syncs; it has no target, and its rate is the one that
an operator gets. Entries of this project have 34 bytes, of which hashing costs next to nothing beside the rest.
Tampering harms one file of a smaller log at a time, and asks the full audit to name it.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from bench.timing import Stopwatch, table, verdict
from compliance.audit.log.tiles import TileStore, filled_tiles
from compliance.audit.log.tree import leaf_hash, leaf_hashes, verify_consistency, verify_inclusion

ENTRY_BYTES: Final = 34  # one commitment with its two bytes of version and kind
EVENT_BYTES: Final = 1_350
ROUNDS: Final = 5
PAIRS: Final = 15
PROOFS: Final = 2_000
TAMPER_ENTRIES: Final = 3_000
LEAST_RATE: Final = 0.65
MOST_AUDIT_S: Final = 5.0
MOST_PROOF_MS: Final = 50.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and judge."""
    parser: Any = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--tamper", type=int, default=1_000, help="files to harm, one at a time")
    parser.add_argument("--check", action="store_true", help="exit 1 where a target is missed")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        missed = write_prove_audit(Path(scratch) / "commitments", options.entries, size=ENTRY_BYTES)
        missed += write_prove_audit(Path(scratch) / "events", options.entries, size=EVENT_BYTES)
        missed += tamper(Path(scratch) / "small", options.tamper)
    return verdict(missed, check=options.check)


def write_prove_audit(scratch: Path, count: int, *, size: int) -> list[str]:
    """Rates of writing, proofs and the full audit, for entries of so many bytes; the missed targets."""
    entries = [os.urandom(size) for _ in range(count)]
    watch, stores = Stopwatch(), []
    for _ in range(PAIRS):
        with watch.stage("leaf hashes"):
            leaf_hashes(entries)
        with watch.stage("memory"):
            filled_tiles(leaf_hashes(entries), 0, [])
    for number in range(ROUNDS):
        folder = scratch / f"log{number}"
        folder.mkdir(parents=True)
        stores.append(TileStore(folder))
        with watch.stage("durable"):
            root = stores[-1].append(entries, size=0)
    store, rng = stores[0], random.Random(0)  # noqa: S311 - which entries
    for _ in range(PROOFS):
        index = rng.randrange(count)
        with watch.stage("inclusion proof"):
            path = store.inclusion_proof(index, count)
        verify_inclusion(leaf_hash(entries[index]), index, count, path, root)
    for _ in range(PROOFS // 10):
        old = rng.randrange(1, count)
        with watch.stage("consistency proof"):
            path = store.consistency_proof(old, count)
        verify_consistency(old, count, store.root(old), root, path)
    started = time.perf_counter()
    faults = list(store.check(count, root))
    audit_s = time.perf_counter() - started
    pairs = zip(watch.cpu["leaf hashes"], watch.cpu["memory"], strict=True)
    rate = float(np.median([alone / both for alone, both in pairs]))  # of each pair: what slows one slows the other
    durable = watch.median_cpu("leaf hashes") / watch.median_cpu("durable")
    held = size == EVENT_BYTES
    rows = [
        ["leaf hashing alone, entries a second of CPU", _rate(watch, "leaf hashes", count)],
        ["tiles in memory (no bundles, no files), entries a second of CPU", _rate(watch, "memory", count)],
        [f"tiles in memory over leaf hashing ({f'target {LEAST_RATE}' if held else 'no target'})", f"{rate:.2f}"],
        ["durable writer (bundles, synced files), entries a second of CPU", _rate(watch, "durable", count)],
        ["durable writer, entries a second of wall time", f"{count / watch.median('durable') * 1e3:,.0f}"],
        ["durable writer over leaf hashing, CPU (no target)", f"{durable:.2f}"],
        ["inclusion proof, p50 / p99 ms", _tail(watch, "inclusion proof")],
        ["consistency proof, p50 / p99 ms", _tail(watch, "consistency proof")],
        ["full audit, s", f"{audit_s:.2f}"],
    ]
    table(f"A log of {count:,} entries of {size:,} bytes", ["what", "figure"], rows)
    missed = [] if not faults else [f"a whole log is found faulty: {faults[0]}"]
    if held and rate < LEAST_RATE:
        missed.append(f"tiles in memory reach {rate:.2f} of the leaf-hash rate, not {LEAST_RATE}")
    if audit_s > MOST_AUDIT_S:
        missed.append(f"the full audit takes {audit_s:.1f} s, more than {MOST_AUDIT_S:.0f}")
    if (worst := float(np.percentile(watch.wall["inclusion proof"], 99))) > MOST_PROOF_MS:
        missed.append(f"the p99 of a proof is {worst:.1f} ms, more than {MOST_PROOF_MS:.0f}")
    return missed


def tamper(folder: Path, times: int) -> list[str]:
    """Harm one file at a time; the missed target."""
    rng = random.Random(1)  # noqa: S311 - which file, which bit
    folder.mkdir()
    store = TileStore(folder)
    root = store.append([rng.randbytes(ENTRY_BYTES) for _ in range(TAMPER_ENTRIES)], size=0)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    tried, named = dict.fromkeys(HARMS, 0), dict.fromkeys(HARMS, 0)
    for _ in range(times):
        kind, path = rng.choice(list(HARMS)), rng.choice(files)
        whole = path.read_bytes()
        other = rng.choice([file for file in files if file.read_bytes() != whole])
        HARMS[kind](path, other, rng)
        faults = list(store.check(TAMPER_ENTRIES, root))
        tried[kind] += 1
        named[kind] += any(str(path.relative_to(folder)) in fault for fault in faults)
        path.write_bytes(whole)
    rows = [[kind, str(tried[kind]), str(named[kind])] for kind in HARMS]
    table(f"Tampering with the files of a log of {TAMPER_ENTRIES:,} entries", ["harm", "files", "named"], rows)
    lost = times - sum(named.values())
    return [f"{lost} of {times} harmed files were not named"] if lost else []


def _flip(path: Path, _: Path, rng: random.Random) -> None:
    content = bytearray(path.read_bytes())
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


def _cut(path: Path, _: Path, rng: random.Random) -> None:
    path.write_bytes(path.read_bytes()[: rng.randrange(path.stat().st_size)])


def _delete(path: Path, _: Path, __: random.Random) -> None:
    path.unlink()


def _swap(path: Path, other: Path, _: random.Random) -> None:
    path.write_bytes(other.read_bytes())


HARMS: Final = {"one bit": _flip, "cut short": _cut, "deleted": _delete, "another file's bytes": _swap}


def _rate(watch: Stopwatch, name: str, count: int) -> str:
    return f"{count / watch.median_cpu(name) * 1e3:,.0f}"


def _tail(watch: Stopwatch, name: str) -> str:
    return " / ".join(f"{np.percentile(watch.wall[name], part):.2f}" for part in (50, 99))


if __name__ == "__main__":
    sys.exit(main())
