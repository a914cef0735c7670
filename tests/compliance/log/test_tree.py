"""Hashes, roots and proofs are those of RFC 6962 and RFC 9162, by known values, by a naive tree and by pymerkle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree, verify_consistency, verify_inclusion  # type: ignore[import-untyped]

from compliance.audit.log import tree
from compliance.audit.log.tree import NotProved
from tests.compliance.log.made_log import made_entries, naive_reader, naive_root

# The leaves and roots of the reference implementation of RFC 6962 (certificate-transparency, merkle tree tests).
LEAVES = [bytes.fromhex(each) for each in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
LEAVES.append(bytes.fromhex("606162636465666768696a6b6c6d6e6f"))
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
ENTRIES = made_entries(300)
SIZES = st.integers(1, len(ENTRIES))


def foreign(count: int) -> InmemoryTree:
    """The tree of another implementation over the first entries."""
    other = InmemoryTree(algorithm="sha256")
    for entry in ENTRIES[:count]:
        other.append_entry(entry)
    return other


def test_the_empty_root_is_the_hash_of_nothing() -> None:
    assert tree.root_of([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("size", ROOTS)
def test_roots_are_those_of_the_reference_implementation(size: int) -> None:
    assert tree.root_of(tree.leaf_hashes(LEAVES[:size])).hex() == ROOTS[size]


def test_every_size_has_the_root_of_the_naive_tree() -> None:
    hashes = tree.leaf_hashes(ENTRIES)
    for size in range(len(ENTRIES) + 1):
        assert tree.root_of(hashes[:size]) == naive_root(ENTRIES[:size])


@given(SIZES, st.data())
def test_an_inclusion_proof_leads_to_the_root_and_only_there(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    root, leaf = naive_root(ENTRIES[:size]), tree.leaf_hash(ENTRIES[index])
    path = tree.inclusion_proof(index, size, naive_reader(ENTRIES))
    tree.verify_inclusion(leaf, index, size, path, root)
    other = data.draw(st.integers(0, size - 1))
    if other != index:
        with pytest.raises(NotProved):
            tree.verify_inclusion(leaf, other, size, path, root)
    with pytest.raises(NotProved):
        tree.verify_inclusion(tree.leaf_hash(b"another"), index, size, path, root)
    with pytest.raises(NotProved):
        tree.verify_inclusion(leaf, index, size, [*path, root], root)
    for place in range(len(path)):
        with pytest.raises(NotProved):
            tree.verify_inclusion(leaf, index, size, path[:place] + path[place + 1 :], root)


@given(SIZES, st.data())
def test_a_consistency_proof_shows_growth_and_nothing_else(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(0, new))
    old_root, new_root = naive_root(ENTRIES[:old]), naive_root(ENTRIES[:new])
    path = tree.consistency_proof(old, new, naive_reader(ENTRIES))
    tree.verify_consistency(old, new, old_root, new_root, path)
    forked = naive_root([b"forked", *ENTRIES[1:old]])
    if old:
        with pytest.raises(NotProved):
            tree.verify_consistency(old, new, forked, new_root, path)
        with pytest.raises(NotProved):
            tree.verify_consistency(old, new, old_root, forked, path)
    with pytest.raises(NotProved):
        tree.verify_consistency(old, new, old_root, new_root, [*path, new_root])
    for place in range(len(path)):
        with pytest.raises(NotProved):
            tree.verify_consistency(old, new, old_root, new_root, path[:place] + path[place + 1 :])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 100, 255, 256, 257, 300])
def test_pymerkle_gives_the_same_roots_and_proofs(size: int) -> None:
    other = foreign(size)
    root = tree.root_of(tree.leaf_hashes(ENTRIES[:size]))
    assert other.get_root() == root
    reader = naive_reader(ENTRIES)
    for index in {0, size // 3, size // 2, size - 1}:
        theirs, leaf = other.prove_inclusion(index + 1), tree.leaf_hash(ENTRIES[index])
        ours = tree.inclusion_proof(index, size, reader)
        assert ours == theirs.path[1:]  # theirs begins with the leaf itself
        tree.verify_inclusion(leaf, index, size, theirs.path[1:], root)
        theirs.path = [leaf, *ours]
        verify_inclusion(leaf, root, theirs, index=index + 1, size=size)
    for old in {1, size // 3, size // 2, size - 1} - {0, size}:
        before = naive_root(ENTRIES[:old])  # their consistency proofs have a form of their own, not RFC 9162's
        verify_consistency(before, root, other.prove_consistency(old), prior_size=old, later_size=size)


def test_impossible_questions_are_refused() -> None:
    read, path = naive_reader(ENTRIES), [bytes(32)]
    for index, size in ((-1, 3), (3, 3), (0, 0)):
        with pytest.raises(NotProved, match="entr"):
            tree.inclusion_proof(index, size, read)
        with pytest.raises(NotProved, match="below the size"):
            tree.verify_inclusion(bytes(32), index, size, path, bytes(32))
    with pytest.raises(NotProved, match="cannot have grown"):
        tree.consistency_proof(3, 2, read)
    with pytest.raises(NotProved, match="only grow"):
        tree.verify_consistency(3, 2, bytes(32), bytes(32), [])
    with pytest.raises(NotProved, match="is empty"):
        tree.verify_consistency(3, 7, bytes(32), bytes(32), [])
