"""Find byte strings in raw files: a database's data and WAL, its backups; and as hex, the way dumps write them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

BLOCK: Final = 4 * 1024 * 1024
LEAST: Final = 16  # bytes of a needle

Bytes = npt.NDArray[np.uint8]


class Needles:
    """What is looked for, by name. Thousands at once cost as much as one."""

    def __init__(self, needles: Mapping[str, bytes]) -> None:
        if any(len(needle) < LEAST for needle in needles.values()):
            raise ValueError(f"Needles of fewer than {LEAST} bytes are found by chance: look for longer ones.")
        self._names: dict[bytes, list[tuple[bytes, str]]] = {}  # by their first 8 bytes
        for name, needle in needles.items():
            for form in (needle, needle.hex().encode()):
                self._names.setdefault(form[:8], []).append((form, name))
        self._heads = np.sort(np.frombuffer(b"".join(self._names), dtype="<u8"))
        self._begins = np.zeros(1 << 24, dtype=bool)
        self._begins[self._heads & 0xFFFFFF] = True
        self._longest = 2 * max((len(needle) for needle in needles.values()), default=LEAST)

    def found_below(self, folder: Path) -> dict[str, set[Path]]:
        """Which needles lie in which files below a folder."""
        found: dict[str, set[Path]] = {}
        for path in sorted(folder.rglob("*")):
            for name in self._found_in(path):
                found.setdefault(name, set()).add(path)
        return found

    def _found_in(self, path: Path) -> Iterator[str]:
        try:
            if path.is_symlink() or not path.is_file():
                return
            with path.open("rb") as file:
                tail = b""
                while block := file.read(BLOCK):
                    content = tail + block
                    yield from self._found(content)
                    tail = content[-self._longest :]
        except FileNotFoundError:  # a running server removes files
            return

    def _found(self, content: bytes) -> Iterator[str]:
        at = self._candidates(np.frombuffer(content, dtype=np.uint8))
        for place in at.tolist():
            for form, name in self._names.get(content[place : place + 8], ()):
                if content.startswith(form, place):
                    yield name

    def _candidates(self, content: Bytes) -> npt.NDArray[Any]:
        """Places whose next 8 bytes begin a needle."""
        if len(content) < LEAST:
            return np.empty(0, dtype=np.int64)
        head = content[:-7].astype(np.uint32)
        head |= content[1:-6].astype(np.uint32) << 8
        head |= content[2:-5].astype(np.uint32) << 16
        at = np.flatnonzero(self._begins[head])
        whole = np.zeros(len(at), dtype=np.uint64)
        for byte in range(8):
            whole |= content[at + byte].astype(np.uint64) << np.uint64(8 * byte)
        return at[np.isin(whole, self._heads)]
