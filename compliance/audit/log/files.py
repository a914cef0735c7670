"""Durable files that never change: written beside their place, synced, moved into it, and their folders synced."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

SYNCS_AT_ONCE: Final = 8  # syncs that wait together share the disk's commits: about ten times the rate of one by one
FILES_AT_ONCE: Final = 64


class FileConflict(RuntimeError):
    """A file of the log already holds other bytes than those it should be given."""


def put_all(files: Iterable[tuple[Path, bytes]], folder: Path) -> list[Path]:
    """Write files below `folder`, so that they survive a power cut when this returns their paths.

    A file that is there with the same bytes is left alone, so the call may be repeated after a crash at any point.
    Raises FileConflict where one is there with other bytes, OSError when the disk refuses. One writer at a time.
    """
    paths: list[Path] = []
    rest = iter(files)
    with ThreadPoolExecutor(SYNCS_AT_ONCE) as pool:
        while some := list(itertools.islice(rest, FILES_AT_ONCE)):
            _put(some, folder, pool)
            paths += [path for path, _ in some]
        list(pool.map(sync_folder, _folders(paths, folder)))
    return paths


def put_tiles(files: Iterable[tuple[Path, bytes]], folder: Path) -> None:
    """`put_all`, after which the partial forms of whole files go: they have done their work."""
    for path in put_all(files, folder):
        if not path.parent.name.endswith(".p"):
            remove_folder(path.with_name(f"{path.name}.p"))


def replace(path: Path, content: bytes) -> None:
    """Give a file new content, all of it or nothing, so that it survives a power cut when this returns."""
    handle = os.open(_temporary(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        _write(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)
    _temporary(path).replace(path)
    sync_folder(path.parent)


def put_private(path: Path, content: bytes) -> bool:
    """Make a file that only its owner may read, whole and on the disk; return False where one is there already.

    Missing folders on the way are made, for the owner alone. Of processes that do this at once, one wins.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        _write(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
        sync_folder(path.parent)
    return True


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


def _put(files: list[tuple[Path, bytes]], folder: Path, pool: ThreadPoolExecutor) -> None:
    for each in _folders((path for path, _ in files), folder):
        if not each.is_dir():
            each.mkdir()
    new: dict[Path, int] = {}
    try:
        for path, content in files:
            if not _is_there(path, content):
                new[path] = os.open(_temporary(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
                _write(new[path], content)
        list(pool.map(os.fsync, new.values()))
    finally:
        for handle in new.values():
            os.close(handle)
    for path in new:
        _temporary(path).replace(path)


def _is_there(path: Path, content: bytes) -> bool:
    try:
        held = path.read_bytes()
    except FileNotFoundError:
        return False
    if held != content:
        raise FileConflict(
            f"{path} already holds other bytes, and a file of the log never changes (C2SP tlog-tiles): nothing was "
            "overwritten. Check the log against its last checkpoint, and append the entries that were given this place."
        )
    return True


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.tmp")


def _write(handle: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _folders(paths: Iterable[Path], folder: Path) -> list[Path]:
    """Every folder on the way to the paths, outer ones first: one made before a crash may not be durable yet."""
    found = {folder}
    for parent in {path.parent for path in paths}:
        while parent not in found:
            found.add(parent)
            parent = parent.parent
    return sorted(found)
