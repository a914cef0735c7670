"""Durable files that never change: written beside their place, synced, moved into it, and their folders synced."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

SYNCS_AT_ONCE: Final = 8  # syncs that wait together share the disk's commits: about ten times the rate of one by one


class FileConflict(RuntimeError):
    """A file of the log already holds other bytes than those it should be given."""


def put_all(files: Sequence[tuple[Path, bytes]], folder: Path) -> None:
    """Write files below `folder`, so that they survive a power cut when this returns.

    A file that is there with the same bytes is left alone, so the call may be repeated after a crash at any point.
    Raises FileConflict where one is there with other bytes, OSError when the disk refuses. One writer at a time.
    """
    with ThreadPoolExecutor(SYNCS_AT_ONCE) as pool:
        for done in [pool.submit(_put, path, content) for path, content in files]:
            done.result()
        for done in [pool.submit(sync_folder, each) for each in _folders(files, folder)]:
            done.result()


def replace(path: Path, content: bytes) -> None:
    """Give a file new content, all of it or nothing, so that it survives a power cut when this returns."""
    temporary = path.with_name(f".{path.name}.tmp")
    _write(temporary, content)
    temporary.replace(path)
    sync_folder(path.parent)


def remove_folder(folder: Path) -> None:
    """Remove a folder of files; it need not exist."""
    try:
        held = list(folder.iterdir())
    except FileNotFoundError:
        return
    for path in held:
        path.unlink()
    folder.rmdir()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _put(path: Path, content: bytes) -> None:
    try:
        held = path.read_bytes()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.tmp")
        _write(temporary, content)
        temporary.replace(path)
        return
    if held != content:
        raise FileConflict(
            f"{path} already holds other bytes, and a file of the log never changes (C2SP tlog-tiles): nothing was "
            "overwritten. Check the log against its last checkpoint, and append the entries that were given this place."
        )


def _write(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(handle, rest) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def _folders(files: Sequence[tuple[Path, bytes]], folder: Path) -> set[Path]:
    """Every folder on the way to the files: one made before a crash may not be durable yet."""
    found = {folder}
    for parent in {path.parent for path, _ in files}:
        while parent not in found:
            found.add(parent)
            parent = parent.parent
    return found
