"""A log that was damaged is written anew from its entries; what was in the way is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from compliance.audit.log.files import FileConflict
from compliance.audit.log.reading import LogDamaged
from compliance.audit.log.tiles import EntryRefused, TileStore
from tests.compliance.log.made_log import files_in, filled, made_entries, naive_root

ENTRIES = made_entries(600)
ROOT = naive_root(ENTRIES)


@pytest.fixture
def store(tmp_path: Path) -> TileStore:
    """A log that grew in two steps."""
    folder = tmp_path / "log"
    folder.mkdir()
    made = TileStore(folder)
    made.append(ENTRIES[:530], size=0)
    made.append(ENTRIES[530:], size=530)
    return made


def rebuilt(store: TileStore) -> list[str]:
    """Rebuild, and see that the log is whole and goes on."""
    moved = store.rebuild(ENTRIES, root=ROOT, aside=store.folder.parent / "aside")
    assert list(store.check(600, ROOT)) == []
    assert store.rebuild(ENTRIES, root=ROOT, aside=store.folder.parent / "aside") == []
    return moved


def flip(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "inside").write_bytes(b"kept")


def as_link(path: Path) -> None:
    elsewhere = next(each for each in path.parents if each.name == "log").with_name("elsewhere")
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


@pytest.mark.parametrize("harm", [flip, Path.unlink, as_folder, as_link])
@pytest.mark.parametrize("name", ["tile/0/000", "tile/entries/001", "tile/entries/002.p/88", "tile/1/000.p/2"])
def test_a_harmed_file_is_moved_and_written_anew(store: TileStore, harm: Callable[[Path], None], name: str) -> None:
    before = files_in(store.folder)
    harm(store.folder / name)
    assert rebuilt(store) == ([] if harm is Path.unlink else [name])
    assert files_in(store.folder) == before


def test_a_lost_round_is_moved_out_of_the_way_of_the_next(store: TileStore, tmp_path: Path) -> None:
    before = files_in(store.folder)
    store.append(made_entries(400, seed=9), size=600)  # and the entries are lost: no checkpoint was signed
    left = {name: content for name, content in files_in(store.folder).items() if name not in before}
    with pytest.raises(FileConflict):
        store.append(made_entries(500, seed=10), size=600, root=ROOT)
    assert set(rebuilt(store)) == set(left)
    assert sorted(files_in(tmp_path / "aside").values()) == sorted(left.values())
    others = made_entries(500, seed=10)
    root = store.append(others, size=600, root=ROOT)
    assert root == naive_root([*ENTRIES, *others])
    assert list(store.check(1100, root)) == []


def test_all_files_can_be_written_from_nothing(store: TileStore, tmp_path: Path) -> None:
    bare = TileStore(tmp_path / "bare")
    bare.folder.mkdir()
    assert bare.rebuild(ENTRIES, root=ROOT, aside=tmp_path / "aside") == []
    assert files_in(bare.folder) == files_in(filled_once(tmp_path).folder)
    assert not (tmp_path / "aside").exists()


def filled_once(folder: Path) -> TileStore:
    (folder / "once").mkdir()
    return filled(folder / "once", ENTRIES)


def test_what_no_log_has_is_moved_and_what_is_right_stays(store: TileStore) -> None:
    strangers = ["tile/0/notes.txt", "tile/0/000.p/9", "tile/0/x001", "tile/0/002.p/89", "tile/1/000.p/1x"]
    for name in strangers:
        path = store.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name.encode())
    (store.folder / "tile/0/000.p/folder").mkdir()
    (store.folder / "tile/0/.009.tmp").write_bytes(b"half writ")
    (store.folder / "checkpoint").write_bytes(b"signed")
    assert rebuilt(store) == sorted([*strangers, "tile/0/000.p/folder"])
    kept = files_in(store.folder)
    assert {"tile/0/002.p/18", "tile/entries/002.p/18", "checkpoint", "tile/0/.009.tmp"} <= set(kept)
    assert "tile/0/000.p/9" not in kept


def test_a_file_where_the_tiles_should_be_is_moved(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log/tile").write_bytes(b"in the way")
    assert rebuilt(TileStore(tmp_path / "log")) == ["tile"]
    assert files_in(tmp_path / "aside") == {"tile": b"in the way"}


def test_nothing_that_was_moved_before_is_overwritten(store: TileStore, tmp_path: Path) -> None:
    for content in (b"first", b"second", b"third"):
        (store.folder / "tile/0/000").write_bytes(content)
        assert rebuilt(store) == ["tile/0/000"]
    assert files_in(tmp_path / "aside") == {
        "tile_0_000": b"first",
        "tile_0_000-2": b"second",
        "tile_0_000-3": b"third",
    }


def test_entries_that_do_not_give_the_signed_root_touch_nothing(store: TileStore, tmp_path: Path) -> None:
    flip(store.folder / "tile/0/000")
    held = files_in(tmp_path)
    for entries in ([*ENTRIES[:-1], b"other"], ENTRIES[:-1], []):
        with pytest.raises(LogDamaged, match="nothing was touched"):
            store.rebuild(entries, root=ROOT, aside=tmp_path / "aside")
    with pytest.raises(EntryRefused):
        store.rebuild([b"x" * 65_536], root=naive_root([b"x" * 65_536]), aside=tmp_path / "aside")
    with pytest.raises(ValueError, match="lies below the log's tiles"):
        store.rebuild(ENTRIES, root=ROOT, aside=store.folder / "tile/aside")
    assert files_in(tmp_path) == held


def test_a_log_of_no_entries_has_no_files(store: TileStore, tmp_path: Path) -> None:
    held = files_in(store.folder)
    assert store.rebuild([], root=naive_root([]), aside=tmp_path / "aside") == sorted(held)
    assert files_in(store.folder) == {}
    assert len(files_in(tmp_path / "aside")) == len(held)
