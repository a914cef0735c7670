"""The independent memory of a load generator: what it was told is safe, on disk before it counts as told."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Acknowledged:
    """One acknowledgement: what kind, when it was first asked for and when it came (seconds since 1970), its ids."""

    kind: str
    began: float
    ended: float
    ids: tuple[str, ...]


class History:
    """Appends acknowledgements to one file, each durable before `add` returns."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def add(self, kind: str, began: float, ended: float, ids: Iterable[Any]) -> None:
        """Note that these ids were acknowledged."""
        line = f"{kind} {began:.6f} {ended:.6f} {' '.join(map(str, ids))}\n"
        os.write(self._file, line.encode())
        os.fdatasync(self._file)


def read(folder: Path) -> Iterator[Acknowledged]:
    """Every acknowledgement of every history in a folder. A last line cut short by a kill was never counted."""
    for path in sorted(folder.glob("*.history")):
        for line in path.read_text().splitlines(keepends=True):
            if not line.endswith("\n"):
                continue
            kind, began, ended, *ids = line.split()
            yield Acknowledged(kind=kind, began=float(began), ended=float(ended), ids=tuple(ids))
