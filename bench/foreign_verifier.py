"""Verifiers of other authors read our log: `python bench/foreign_verifier.py --python PYTHON_3.12 --check`.

Writes a log with our tile store, signs and cosigns two checkpoints, and lets `aics-tlog` (another author's, in a
virtual environment of Python 3.12 or newer, made below .local/bench/foreign where there is none) verify checkpoints,
inclusion, consistency and everything, then the same after one byte was changed in each kind of file, which it must
refuse. pymerkle builds the same tree here and must come to the same roots and proofs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pymerkle import InmemoryTree, verify_inclusion  # type: ignore[import-untyped]

from bench.timing import table, verdict
from compliance.audit.log.note import COSIGNATURE, Checkpoint, SigningKey, cosignature_line, sign_note
from compliance.audit.log.tiles import TileStore
from compliance.audit.log.tree import leaf_hash

ROOT: Final = Path(__file__).resolve().parents[1]
PACKAGE: Final = "aics-tlog==0.2.1"
FOLDER: Final = ROOT / ".local" / "bench" / "foreign"
ENTRY_BYTES: Final = 34
LOG: Final = SigningKey(name="log.example/foreign", private=Ed25519PrivateKey.generate())
WITNESS: Final = SigningKey(name="witness.example/foreign", private=Ed25519PrivateKey.generate())

Row = tuple[str, str, bool]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write, let others verify, and judge."""
    parser: Any = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", help="a Python of 3.12 or newer, to make the virtual environment with")
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--proofs", type=int, default=200)
    parser.add_argument("--check", action="store_true", help="exit 1 where anything does not hold")
    options = parser.parse_args(arguments)
    python = environment(options.python)
    with tempfile.TemporaryDirectory() as scratch:
        asked, entries = made_log(Path(scratch), options.entries, options.proofs)
        rows = [(f"aics-tlog: {what}", figure, held) for what, figure, held in foreign(python, asked)]
        rows += tampered(python, asked)
        rows += pymerkle(asked, entries)
    title = f"A log of {options.entries:,} entries, read by {PACKAGE} and pymerkle"
    table(title, ["what", "figure", "holds"], [[what, said, "yes" if held else "NO"] for what, said, held in rows])
    return verdict([f"{what}: {said}" for what, said, held in rows if not held], check=options.check)


def environment(base: str | None) -> Path:
    """The Python that has aics-tlog; made with `base` where there is none."""
    python = FOLDER / "bin" / "python"
    if not python.exists():
        if base is None:
            raise SystemExit("No environment yet: name a Python of 3.12 or newer with --python.")
        subprocess.run([base, "-m", "venv", str(FOLDER)], check=True)  # noqa: S603
        subprocess.run([python, "-m", "pip", "install", "--quiet", PACKAGE], check=True)  # noqa: S603
    return python


def made_log(folder: Path, count: int, proofs: int) -> tuple[dict[str, Any], list[bytes]]:
    """A log in two appends, its checkpoints at both sizes, and what the reader is asked to verify."""
    entries, sizes = [os.urandom(ENTRY_BYTES) for _ in range(count)], [count * 3 // 5, count]
    store, rng = TileStore(folder), random.Random(2)  # noqa: S311 - which entries
    for before, size in zip([0, *sizes[:-1]], sizes, strict=True):
        text = Checkpoint(origin=LOG.name, size=size, root=store.append(entries[before:size], size=before)).text()
        cosigned = sign_note(text, LOG) + cosignature_line(text, WITNESS, time=int(time.time()))
        (folder / f"checkpoint.{size}").write_text(cosigned)
    indices = sorted(rng.sample(range(count), proofs))
    return {
        "folder": str(folder),
        "log": LOG.verifier().encode(),
        "witness": WITNESS.verifier(COSIGNATURE).encode(),
        "sizes": sizes,
        "proofs": {index: [each.hex() for each in store.inclusion_proof(index, count)] for index in indices},
        "consistency": [each.hex() for each in store.consistency_proof(*sizes)],
    }, entries


def foreign(python: Path, asked: dict[str, Any]) -> list[Row]:
    """What the other author's verifier says of everything."""
    command = [str(python), "-I", str(ROOT / "bench" / "foreign_reader.py")]
    answer = subprocess.run(command, check=True, input=json.dumps(asked), capture_output=True, text=True)  # noqa: S603
    return [(what, figure, held) for what, figure, held in json.loads(answer.stdout)]


def tampered(python: Path, asked: dict[str, Any]) -> list[Row]:
    """One byte changed in a file of each kind: something must not hold any more."""
    folder, rows, rng = Path(asked["folder"]), [], random.Random(3)  # noqa: S311 - which byte
    last, asked = asked["sizes"][-1], {**asked, "proofs": dict(list(asked["proofs"].items())[:5])}
    for kind in ("tile/entries", "tile/0", "tile/1", f"checkpoint.{last}"):
        path = rng.choice(sorted(file for file in [folder / kind, *(folder / kind).rglob("*")] if file.is_file()))
        whole = path.read_bytes()
        place = rng.randrange(len(whole))
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        refused = [what for what, _, held in foreign(python, asked) if not held]
        name = path.relative_to(folder)
        rows.append((f"aics-tlog: a byte of {name} changed", f"refused: {', '.join(refused) or '-'}", bool(refused)))
        path.write_bytes(whole)
    return rows


def pymerkle(asked: dict[str, Any], entries: list[bytes]) -> list[Row]:
    """The same tree by pymerkle: roots at both sizes, and our proofs under its verification."""
    tree = InmemoryTree(algorithm="sha256")
    for entry in entries:
        tree.append_entry(entry)
    store, (old, new) = TileStore(Path(asked["folder"])), asked["sizes"]
    same = [store.root(size) == tree.get_root(size) for size in (old, new)]
    rows = [("pymerkle: roots", f"{sum(same)} of {len(same)} equal", all(same))]
    held = 0
    for index, path in list(asked["proofs"].items())[:20]:
        proof, leaf = tree.prove_inclusion(index + 1), leaf_hash(entries[index])
        held += [leaf, *(bytes.fromhex(each) for each in path)] == proof.path
        verify_inclusion(leaf, store.root(new), proof, index=index + 1, size=new)
    return [*rows, ("pymerkle: inclusion", f"{held} of 20 paths equal and verified", held == 20)]


if __name__ == "__main__":
    sys.exit(main())
