"""Tiles and bundles lie where C2SP tlog-tiles wants them, hold what it wants, and answer for every size."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance.audit.log import tree
from compliance.audit.log.files import FileConflict
from compliance.audit.log.paths import covers, is_tile_path, tile_path
from compliance.audit.log.reading import LogDamaged
from compliance.audit.log.tiles import EntryRefused, TileStore
from tests.compliance.log.made_log import files_in, filled, made_entries, naive_root

ENTRIES = made_entries(1100)


@pytest.mark.parametrize(
    ("kind", "number", "width", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (2, 999, 256, "tile/2/999"),
        (0, 1000, 256, "tile/0/x001/000"),
        (5, 1234067, 256, "tile/5/x001/x234/067"),
        ("entries", 67, 1, "tile/entries/067.p/1"),
        (63, 1067, 255, "tile/63/x001/067.p/255"),
    ],
)
def test_paths_are_those_of_the_specification(kind: int | str, number: int, width: int, path: str) -> None:
    assert tile_path(kind, number, width) == path
    assert is_tile_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0",
        "tile/00/000",
        "tile/64/000",
        "tile/0/x000/001",
        "tile/0/001/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/257",
        "tile/0/000.p/999",
        "tile/0/" + "x999/" * 2000 + "999",
        "tile/0/000.p/07",
        "tile/0/000.p",
        "tile/data/000",
        "tile/0/000/",
        "xtile/0/000",
    ],
)
def test_other_spellings_are_no_files_of_a_log(path: str) -> None:
    assert not is_tile_path(path)
    assert not covers(path, 1 << 63)


def test_a_checkpoint_covers_every_file_that_it_needs_and_none_of_what_was_appended_since(tmp_path: Path) -> None:
    store = filled(tmp_path, ENTRIES[:300])
    before = set(files_in(tmp_path))
    assert all(covers(path, 300) for path in before)
    store.append(ENTRIES[300:], size=300)
    after = set(files_in(tmp_path))
    assert {path for path in after if covers(path, 300)} == after & before


@pytest.mark.parametrize(
    ("path", "least"),
    [
        ("tile/0/000.p/1", 1),
        ("tile/entries/000.p/255", 255),
        ("tile/entries/000", 256),
        ("tile/0/001.p/7", 263),
        ("tile/1/000.p/3", 3 * 256),
        ("tile/1/000", 65_536),
        ("tile/2/000.p/1", 65_536),
        ("tile/entries/x001/000.p/9", 256_009),
        ("tile/63/000.p/1", 1 << 504),
    ],
)
def test_a_file_is_covered_from_the_size_on_that_first_has_it(path: str, least: int) -> None:
    assert covers(path, least)
    assert not covers(path, least - 1)
    assert not covers(path, 0)


def test_a_log_of_70000_entries_has_the_files_that_the_specification_lists(tmp_path: Path) -> None:
    filled(tmp_path, [b"%d" % number for number in range(70_000)])
    names = set(files_in(tmp_path))
    assert names == {
        *(tile_path(kind, number) for kind in (0, "entries") for number in range(273)),
        *("tile/0/273.p/112", "tile/entries/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"),
    }


def test_a_bundle_holds_entries_behind_their_lengths_and_a_tile_their_hashes(tmp_path: Path) -> None:
    filled(tmp_path, [b"first", b"", b"x" * 65_535])
    held = files_in(tmp_path)
    assert held["tile/entries/000.p/3"] == b"\0\5first" + b"\0\0" + b"\xff\xff" + b"x" * 65_535
    assert held["tile/0/000.p/3"] == b"".join(tree.leaf_hashes([b"first", b"", b"x" * 65_535]))


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(cuts=st.lists(st.integers(0, 1100), max_size=5), data=st.data())
def test_however_entries_arrive_roots_proofs_and_entries_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("log")
    store, size = TileStore(folder), 0
    for cut in [*sorted(cuts), len(ENTRIES)]:
        root = store.append(ENTRIES[size:cut], size=size, root=naive_root(ENTRIES[:size]))
        size = cut
        assert root == naive_root(ENTRIES[:size]) == store.root(size)
    assert list(store.check(size, root)) == []
    old = data.draw(st.integers(0, size))
    old_root = naive_root(ENTRIES[:old])
    assert store.root(old) == old_root  # a size that never had a checkpoint is answered for, too
    tree.verify_consistency(old, size, old_root, root, store.consistency_proof(old, size))
    index = data.draw(st.integers(0, size - 1))
    assert store.entry(index, size) == ENTRIES[index]
    path = store.inclusion_proof(index, size)
    tree.verify_inclusion(tree.leaf_hash(ENTRIES[index]), index, size, path, root)


@pytest.mark.parametrize("size", [*range(1, 10), 255, 257])
def test_every_entry_of_a_small_log_is_proved(tmp_path: Path, size: int) -> None:
    store, root = filled(tmp_path, ENTRIES[:size]), naive_root(ENTRIES[:size])
    for index in range(size):
        path = store.inclusion_proof(index, size)
        tree.verify_inclusion(tree.leaf_hash(ENTRIES[index]), index, size, path, root)
        before = naive_root(ENTRIES[:index])
        tree.verify_consistency(index, size, before, root, store.consistency_proof(index, size))


def test_partial_files_go_when_the_whole_one_is_there(tmp_path: Path, real_disk: None) -> None:
    store = filled(tmp_path, ENTRIES[:100])
    store.append(ENTRIES[100:200], size=100)
    assert {"tile/0/000.p/100", "tile/0/000.p/200"} <= set(files_in(tmp_path))
    store.append(ENTRIES[200:256], size=200)
    assert set(files_in(tmp_path)) == {"tile/0/000", "tile/entries/000", "tile/1/000.p/1"}


def test_a_place_once_taken_is_never_given_to_other_entries(tmp_path: Path) -> None:
    store = filled(tmp_path, ENTRIES[:100])
    store.append(ENTRIES[100:300], size=100)  # no checkpoint is published
    held = files_in(tmp_path)
    with pytest.raises(FileConflict, match="never changes"):
        store.append([b"other", *ENTRIES[101:300]], size=100)
    assert files_in(tmp_path) == held
    assert store.append(ENTRIES[100:310], size=100) == naive_root(ENTRIES[:310])


def test_nothing_is_built_upon_files_that_do_not_give_the_signed_root(tmp_path: Path) -> None:
    store, root = filled(tmp_path, ENTRIES[:700]), naive_root(ENTRIES[:700])
    path = tmp_path / "tile/1/000.p/2"
    path.write_bytes(bytes(64))
    with pytest.raises(LogDamaged, match="do not give the root that was signed"):
        store.append([b"next"], size=700, root=root)
    assert "tile/entries/002.p/189" not in files_in(tmp_path)


def test_nothing_is_built_upon_a_bundle_that_does_not_fit_its_tile(tmp_path: Path) -> None:
    store = filled(tmp_path, ENTRIES[:10])
    path = tmp_path / "tile/entries/000.p/10"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(LogDamaged, match="do not belong together"):
        store.append([b"next"], size=10)


def test_entries_that_are_too_long_are_refused_whole(tmp_path: Path) -> None:
    with pytest.raises(EntryRefused, match="65535"):
        TileStore(tmp_path).append([b"fits", b"x" * 65_536], size=0)
    assert files_in(tmp_path) == {}


@pytest.mark.parametrize(
    ("start", "stop"), [(0, 1100), (0, 0), (7, 7), (255, 257), (256, 512), (300, 1099), (1024, 1100)]
)
def test_a_run_of_entries_is_what_was_appended(tmp_path: Path, start: int, stop: int) -> None:
    assert list(filled(tmp_path, ENTRIES).entries(start, stop)) == ENTRIES[start:stop]


def test_a_run_of_entries_reads_each_bundle_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, read, real = filled(tmp_path, ENTRIES), list[Path](), Path.read_bytes

    def counted(path: Path) -> bytes:
        read.append(path)
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", counted)
    assert len(list(store.entries(0, len(ENTRIES)))) == len(ENTRIES)
    monkeypatch.undo()
    assert [path.relative_to(tmp_path).as_posix() for path in read] == [
        *(tile_path("entries", number) for number in range(4)),
        *("tile/entries/004", "tile/entries/004.p/76"),
    ]


def test_a_run_of_entries_that_the_files_do_not_have_is_refused(tmp_path: Path) -> None:
    store = filled(tmp_path, ENTRIES)
    for start, stop in ((-1, 3), (4, 3)):
        with pytest.raises(IndexError, match="0 <= start <= stop"):
            next(store.entries(start, stop))
    with pytest.raises(LogDamaged, match=r"tile/entries/004\.p/77 is missing"):
        list(store.entries(0, 1101))


def test_missing_or_cut_files_are_said_to_be(tmp_path: Path) -> None:
    store = filled(tmp_path, ENTRIES[:300])
    with pytest.raises(LogDamaged, match=r"tile/0/001\.p/45 is missing"):
        store.root(301)
    with pytest.raises(IndexError, match="has no entry 300"):
        store.entry(300, 300)
    (tmp_path / "tile/entries/000").write_bytes(b"\0\5abc")
    with pytest.raises(LogDamaged, match="ends inside entry 0"):
        store.entry(3, 300)
    (tmp_path / "tile/0/000").write_bytes(bytes(33))
    with pytest.raises(LogDamaged, match="no whole number"):
        store.inclusion_proof(3, 300)
    (tmp_path / "tile/0/000").write_bytes(bytes(32))
    with pytest.raises(LogDamaged, match="holds 1 of 256"):
        store.inclusion_proof(3, 300)


@pytest.mark.parametrize("store_size", [1, 255, 256, 300, 1100])
def test_all_roots_of_a_history_are_those_of_each_size_alone(tmp_path: Path, store_size: int) -> None:
    store = filled(tmp_path, ENTRIES[:store_size])
    for number in range(store_size // 256 + 1):
        sizes = [size for size in range(number * 256, min((number + 1) * 256, store_size + 1)) if size % 7 in (0, 3)]
        if sizes:
            assert list(store.roots(number, sizes)) == [naive_root(ENTRIES[:size]) for size in sizes]


def test_the_roots_of_a_history_of_70000_entries_reach_over_all_levels(tmp_path: Path) -> None:
    store = filled(tmp_path, [b"%d" % number for number in range(70_000)])
    for number in (0, 255, 256, 273):
        sizes = [number * 256, number * 256 + 1, number * 256 + 100]
        assert list(store.roots(number, sizes)) == [store.root(size) for size in sizes]
