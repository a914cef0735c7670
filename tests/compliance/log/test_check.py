"""The audit names every file that was changed, cut, swapped or deleted, and no other."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from compliance.audit.log.tiles import TileStore
from tests.compliance.log.made_log import files_in, made_entries, naive_root

SIZE = 1100
ENTRIES = made_entries(SIZE)
ROOT = naive_root(ENTRIES)
NOT_NEEDED = {"tile/0/004.p/26", "tile/entries/004.p/26", "tile/1/000.p/1"}  # of earlier sizes: whoever kept them may


@pytest.fixture
def store(tmp_path: Path) -> TileStore:
    """A log that grew in three steps."""
    made = TileStore(tmp_path)
    for start, stop in ((0, 300), (300, 1050), (1050, SIZE)):
        made.append(ENTRIES[start:stop], size=start)
    return made


def tamper(folder: Path, names: list[str], chance: random.Random) -> set[str]:
    """Change a file, or two, in a random way; say which."""
    name = chance.choice(names)
    path, held = folder / name, (folder / name).read_bytes()
    way = chance.choice(["bit", "bit", "delete", "truncate", "swap"])
    if way == "delete" and name not in NOT_NEEDED:
        path.unlink()
    elif way == "truncate":
        path.write_bytes(held[: chance.randrange(len(held))])
    elif way == "swap":
        other = folder / chance.choice([each for each in names if (folder / each).read_bytes() != held])
        path.write_bytes(other.read_bytes())
        other.write_bytes(held)
        return {name, other.relative_to(folder).as_posix()}
    else:
        at = chance.randrange(len(held) * 8)
        path.write_bytes(held[: at // 8] + bytes([held[at // 8] ^ 1 << at % 8]) + held[at // 8 + 1 :])
    return {name}


def named(sentences: list[str]) -> set[str]:
    assert all(sentence.endswith(".") for sentence in sentences)
    return {sentence.split(" ")[0] for sentence in sentences}


def test_three_hundred_random_tamperings_are_each_named_and_nothing_else_is(store: TileStore) -> None:
    chance, held = random.Random(20), files_in(store.folder)  # noqa: S311 - the same tamperings in every run
    assert set(held) >= NOT_NEEDED
    for _ in range(300):
        touched = tamper(store.folder, sorted(held), chance)
        assert named(list(store.check(SIZE, ROOT))) == touched
        for name in touched:
            (store.folder / name).write_bytes(held[name])
    assert list(store.check(SIZE, ROOT)) == []


def test_tampering_is_named_in_a_log_whose_tiles_have_tiles_above_them(tmp_path: Path) -> None:
    entries = [b"%d" % number for number in range(66_000)]
    store = TileStore(tmp_path)
    root = store.append(entries, size=0)
    for name in ("tile/2/000.p/1", "tile/1/000", "tile/0/255"):
        path = tmp_path / name
        held = path.read_bytes()
        path.write_bytes(held[:-1] + bytes([held[-1] ^ 1]))
        assert named(list(store.check(len(entries), root))) == {name}
        path.write_bytes(held)


def test_two_files_of_the_same_entries_that_were_forged_together_are_both_named(
    store: TileStore, tmp_path: Path
) -> None:
    forged = tmp_path / "forged"
    forged.mkdir()
    TileStore(forged).append([*ENTRIES[:300], b"forged", *ENTRIES[301:512]], size=0)
    for name in ("tile/0/001", "tile/entries/001"):
        (store.folder / name).write_bytes((forged / name).read_bytes())
    assert named(list(store.check(SIZE, ROOT))) == {"tile/0/001", "tile/entries/001"}


def test_a_tile_and_the_tile_above_it_are_both_named(store: TileStore) -> None:
    for name in ("tile/0/001", "tile/1/000.p/4"):
        path = store.folder / name
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert named(list(store.check(SIZE, ROOT))) == {"tile/0/001", "tile/1/000.p/4"}


def test_a_history_that_was_rewritten_whole_does_not_give_the_signed_root(tmp_path: Path) -> None:
    store = TileStore(tmp_path)
    store.append([*ENTRIES[:300], b"forged", *ENTRIES[301:]], size=0)
    (sentence,) = store.check(SIZE, ROOT)
    assert f"another root than {ROOT.hex()}" in sentence


def test_deleting_both_files_of_the_last_entries_names_both(store: TileStore) -> None:
    lost = {"tile/0/004.p/76", "tile/entries/004.p/76"}
    for name in lost:
        (store.folder / name).unlink()
    sentences = list(store.check(SIZE, ROOT))
    assert lost <= named(sentences)


def test_files_of_an_append_that_has_no_checkpoint_yet_are_no_fault(store: TileStore) -> None:
    store.append(made_entries(20, seed=5), size=SIZE)
    (store.folder / "tile/0/004.p/96").write_bytes(b"torn")
    assert list(store.check(SIZE, ROOT)) == []
    (store.folder / "tile/0/004.p/96").unlink()
    store.append([*made_entries(20, seed=5), *made_entries(900, seed=6)], size=SIZE)
    (store.folder / "tile/0/.009.tmp").write_bytes(b"half writ")
    assert list(store.check(SIZE, ROOT)) == []


def test_a_file_that_no_log_has_is_named(store: TileStore) -> None:
    (store.folder / "tile/0/notes.txt").write_bytes(b"")
    assert list(store.check(SIZE, ROOT)) == ["tile/0/notes.txt is no file of a log."]


def after_listing(monkeypatch: pytest.MonkeyPatch, folder: str, act: Callable[[], object]) -> list[str]:
    """Let a writer act right after the audit has listed a folder of partial files; the list names the folder then."""
    real, done = Path.iterdir, list[str]()

    def listed(path: Path) -> Iterator[Path]:
        names = list(real(path))
        if path.as_posix().endswith(folder) and not done:
            done.append(folder)
            act()
        return iter(names)

    monkeypatch.setattr(Path, "iterdir", listed)
    return done


@pytest.mark.parametrize("folder", ["tile/0/004.p", "tile/entries/004.p"])
def test_partial_files_that_become_whole_during_the_audit_are_no_fault(
    store: TileStore, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    done = after_listing(monkeypatch, folder, lambda: store.append(made_entries(900, seed=6), size=SIZE))
    assert list(store.check(SIZE, ROOT)) == []
    assert done == [folder]
    assert not (store.folder / folder).exists()


def test_a_superseded_partial_file_that_is_removed_during_the_audit_is_no_fault(
    store: TileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = after_listing(monkeypatch, "tile/0/004.p", (store.folder / "tile/0/004.p/26").unlink)
    assert list(store.check(SIZE, ROOT)) == []
    assert done


def test_a_partial_file_that_is_needed_and_goes_during_the_audit_is_missing(
    store: TileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    after_listing(monkeypatch, "tile/0/004.p", (store.folder / "tile/0/004.p/76").unlink)
    assert list(store.check(SIZE, ROOT)) == ["tile/0/004.p/76 is missing."]


def test_a_whole_file_that_was_forged_while_it_appeared_is_named(
    store: TileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forge() -> None:
        store.append(made_entries(900, seed=6), size=SIZE)
        path = store.folder / "tile/0/004"
        path.write_bytes(b"?" + path.read_bytes()[1:])

    after_listing(monkeypatch, "tile/0/004.p", forge)
    assert named(list(store.check(SIZE, ROOT))) == {"tile/0/004"}
