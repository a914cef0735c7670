"""The files of every model that a record names, against the model's address; without loading any of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import orjson

PLUGGED: Final = "plugged"  # the folder of rankers that were not trained here (`ranking/serving/plug.py`)
MANIFEST: Final = "manifest.json"  # its SHA-256 is the model's address, and it names those of the other files


def models(needed: dict[str, str], root: Path) -> Iterator[str]:
    """Name every file below `root/<address>/`, or `root/plugged/<address>/`, that is missing or is not what the address
    stands for.

    `needed`: address -> what needs it. Models that no record names are not looked at.
    """
    for address, whose in sorted(needed.items()):
        plugged = root / PLUGGED / address
        folder = plugged if plugged.is_dir() and not (root / address).is_dir() else root / address
        try:
            manifest = (folder / MANIFEST).read_bytes()
        except OSError as error:
            yield f"{whose}: {address}/{MANIFEST} of its model cannot be read ({error.strerror})"
            continue
        if hashlib.sha256(manifest).hexdigest() != address:
            yield f"{whose}: {address}/{MANIFEST} of its model was changed"
            continue
        for name, sha256 in orjson.loads(manifest)["files"].items():
            try:
                with (folder / name).open("rb") as file:
                    same = hashlib.file_digest(file, "sha256").hexdigest() == sha256
            except OSError as error:
                yield f"{whose}: {address}/{name} of its model cannot be read ({error.strerror})"
                continue
            if not same:
                yield f"{whose}: {address}/{name} of its model was changed"
