"""A writer that stops after any file operation leaves a log that the same append completes to the same files."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from compliance.audit.log.tiles import TileStore
from tests.compliance.log.made_log import files_in, filled, made_entries, naive_root

OPERATIONS: Final = ("open", "write", "fsync", "replace", "rename", "mkdir", "unlink", "rmdir")
BEFORE, AFTER = 300, 800  # completes a tile and a bundle that were partial, adds whole ones and new partial ones
ENTRIES = made_entries(AFTER)
ROOT_BEFORE, ROOT_AFTER = naive_root(ENTRIES[:BEFORE]), naive_root(ENTRIES)


class Killed(BaseException):
    """The process is gone: nothing below may catch it and go on."""


class Disk:
    """Counts operations on files. One of them fails, or stops the process once it is done; a write is half done."""

    def __init__(self, stop_at: int, error: BaseException, *, for_good: bool) -> None:
        self.done: list[tuple[str, str]] = []
        self._stop_at, self._error, self._for_good = stop_at, error, for_good
        self._lock = threading.Lock()
        self._names: dict[int, str] = {}
        self._real = {name: getattr(os, name) for name in OPERATIONS}

    def operation(self, name: str) -> Callable[..., Any]:
        """The operation, counted."""

        def run(target: int | Path, *rest: Any, **named: Any) -> Any:
            with self._lock:
                number = len(self.done) + 1
                if number > self._stop_at and self._for_good:
                    raise self._error
                self.done.append((name, self._names[target] if isinstance(target, int) else os.fspath(target)))
                if name == "write" and number == self._stop_at:
                    self._real["write"](target, bytes(rest[0])[: len(rest[0]) // 2])
                    raise self._error
                if number == self._stop_at and not self._for_good:
                    raise self._error
                # the names in a folder and the bytes of a file are there at once: a crash of the process loses neither
                result: Any = None if name == "fsync" else self._real[name](target, *rest, **named)
                if name == "open" and not isinstance(target, int):
                    self._names[int(result)] = os.fspath(target)
                if number == self._stop_at:
                    raise self._error
                return result

        return run


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Disk]:
    """Put a disk that stops at an operation under the code."""

    def put(stop_at: int, error: BaseException, *, for_good: bool) -> Disk:
        monkeypatch.undo()
        made = Disk(stop_at, error, for_good=for_good)
        for name in OPERATIONS:
            monkeypatch.setattr(os, name, made.operation(name))
        return made

    return put


NEVER: Final = 10**9


def appended(folder: Path) -> bytes:
    return TileStore(folder).append(ENTRIES[BEFORE:], size=BEFORE, root=ROOT_BEFORE)


@pytest.mark.parametrize("killed", [True, False], ids=["killed", "disk-error"])
def test_after_a_stop_at_any_operation_the_same_append_gives_the_same_files(
    tmp_path: Path, disk: Callable[..., Disk], monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    (tmp_path / "before").mkdir()
    filled(tmp_path / "before", ENTRIES[:BEFORE])
    clean = tmp_path / "clean"
    shutil.copytree(tmp_path / "before", clean)
    whole = disk(NEVER, Killed(), for_good=True)
    root = appended(clean)
    monkeypatch.undo()
    assert len(whole.done) > 40
    assert root == ROOT_AFTER
    for stop_at in range(1, len(whole.done) + 1):
        folder = tmp_path / str(stop_at)
        shutil.copytree(tmp_path / "before", folder)
        error = Killed() if killed else OSError(errno.EIO, "Input/output error")
        disk(stop_at, error, for_good=killed)
        with pytest.raises(type(error)):
            appended(folder)
        disk(NEVER, Killed(), for_good=True)
        store = TileStore(folder)
        assert list(store.check(BEFORE, ROOT_BEFORE)) == []  # the published size stays whole
        assert appended(folder) == root
        monkeypatch.undo()
        assert files_in(folder) == files_in(clean)
        shutil.rmtree(folder)


def harmed(folder: Path) -> TileStore:
    """A log of BEFORE entries, with the files of a round that is lost, and a file that was changed."""
    folder.mkdir()
    store = filled(folder, ENTRIES[:BEFORE])
    store.append(made_entries(500, seed=3), size=BEFORE)
    (folder / "tile/0/000").write_bytes(b"changed")
    return store


def rebuilt(folder: Path) -> list[str]:
    return TileStore(folder).rebuild(ENTRIES[:BEFORE], root=ROOT_BEFORE, aside=folder / "aside")


def test_after_a_stop_at_any_operation_the_same_rebuild_gives_the_same_files_and_loses_none(
    tmp_path: Path, disk: Callable[..., Disk], monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = harmed(tmp_path / "clean").folder
    shutil.copytree(clean, tmp_path / "before")
    whole = disk(NEVER, Killed(), for_good=True)
    moved = rebuilt(clean)
    monkeypatch.undo()
    kept = [content for name, content in files_in(clean).items() if name.startswith("aside/")]
    assert len(kept) == len(moved) == 8
    for stop_at in range(1, len(whole.done) + 1):
        folder = tmp_path / str(stop_at)
        shutil.copytree(tmp_path / "before", folder)
        disk(stop_at, Killed(), for_good=True)
        with pytest.raises(Killed):
            rebuilt(folder)
        disk(NEVER, Killed(), for_good=True)
        assert set(rebuilt(folder)) <= set(moved)
        monkeypatch.undo()
        assert files_in(folder) == files_in(clean)
        assert list(TileStore(folder).check(BEFORE, ROOT_BEFORE)) == []
        assert appended(folder) == ROOT_AFTER
        shutil.rmtree(folder)


def test_what_a_rebuild_moves_is_durable_before_anything_takes_its_place(
    tmp_path: Path, disk: Callable[..., Disk], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = harmed(tmp_path / "log").folder
    made = disk(NEVER, Killed(), for_good=True)
    moved = rebuilt(folder)
    monkeypatch.undo()
    last = max(at for at, (name, _) in enumerate(made.done) if name == "rename")
    first = min(at for at, (name, _) in enumerate(made.done) if name == "replace")
    for synced in (folder / "aside", *((folder / name).parent for name in moved)):
        assert ("fsync", str(synced)) in made.done[last:first]


def test_files_are_synced_before_they_get_their_names_and_folders_after(
    tmp_path: Path, disk: Callable[..., Disk], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = disk(NEVER, Killed(), for_good=True)
    TileStore(tmp_path).append(ENTRIES, size=0)
    monkeypatch.undo()
    done = made.done
    named = [(at, Path(path)) for at, (name, path) in enumerate(done) if name == "replace"]
    assert len(named) == len(files_in(tmp_path)) == 9
    for at, temporary in named:
        written = max(place for place, (name, path) in enumerate(done) if (name, path) == ("write", str(temporary)))
        assert ("fsync", str(temporary)) in done[written:at]
        for folder in (temporary.parent, *temporary.parents):
            assert ("fsync", str(folder)) in done[at:]
            if folder == tmp_path:
                break
    first_removal = next((at for at, (name, _) in enumerate(done) if name == "unlink"), len(done))
    assert first_removal > named[-1][0]


def test_a_disk_that_takes_a_few_bytes_at_a_time_gets_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, content: real(handle, bytes(content)[:1000]))
    store = filled(tmp_path, ENTRIES)
    monkeypatch.undo()
    assert list(store.check(AFTER, ROOT_AFTER)) == []
