"""The tree over a log: the test vectors of RFC 6962's authors, and proofs that cannot be bent."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.merkle import (
    EMPTY_ROOT,
    Growing,
    Tree,
    leaf_hash,
    node_hash,
    proves_consistency,
    proves_inclusion,
)

# The eight entries, and the roots over the first one to eight of them, of the reference
# implementation of Certificate Transparency (RFC 6962).
ENTRIES = tuple(
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                 "606162636465666768696a6b6c6d6e6f")
)  # fmt: skip
ROOTS = tuple(
    bytes.fromhex(text)
    for text in (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
)
LOGS = st.lists(st.binary(max_size=4), min_size=1, max_size=40)


def roots_of(log: list[bytes]) -> list[bytes]:
    tree, found = Growing(), []
    for entry in log:
        tree.add(entry)
        found.append(tree.root())
    return found


def test_the_roots_are_those_of_the_reference_implementation():
    assert EMPTY_ROOT == Growing().root() == Tree(()).root() == sha256(b"").digest()
    assert tuple(roots_of(list(ENTRIES))) == ROOTS
    assert [Tree(ENTRIES[: n + 1]).root() for n in range(8)] == list(ROOTS)


def test_an_entry_is_never_taken_for_a_node():
    left, right = leaf_hash(b"a"), leaf_hash(b"b")

    assert leaf_hash(left + right) != node_hash(left, right)


@given(log=LOGS, data=st.data())
def test_a_tree_goes_on_from_its_peaks(log, data):
    cut = data.draw(st.integers(0, len(log)))
    first, whole = Growing(), Growing()
    for entry in log[:cut]:
        first.add(entry)
    resumed = Growing.resumed(first.size, b"".join(first.peaks))
    for entry in log[cut:]:
        resumed.add(entry)
    for entry in log:
        whole.add(entry)

    assert resumed == whole
    assert resumed.root() == Tree(log).root()


@given(log=LOGS, data=st.data())
def test_inclusion_is_proved_for_what_is_there_and_for_nothing_else(log, data):
    tree, index = Tree(log), data.draw(st.integers(0, len(log) - 1))
    path, root, size = tree.inclusion(index), tree.root(), len(log)

    assert proves_inclusion(log[index], index, size, path, root)
    assert not proves_inclusion(log[index] + b"x", index, size, path, root)
    assert not proves_inclusion(log[index], index, size, path, bytes(32))
    assert not proves_inclusion(log[index], index, size, (*path, bytes(32)), root)
    assert not proves_inclusion(log[index], size, size, path, root)
    if path:
        assert not proves_inclusion(log[index], index, size, path[:-1], root)
        bent = (*path[:-1], bytes(32))
        assert not proves_inclusion(log[index], index, size, bent, root)


@given(log=LOGS, data=st.data())
def test_consistency_is_proved_with_its_own_beginning_and_no_other(log, data):
    old = data.draw(st.integers(1, len(log)))
    tree, roots = Tree(log), roots_of(log)
    path, root, size = tree.consistency(old), tree.root(), len(log)

    assert proves_consistency(old, roots[old - 1], size, root, path)
    assert not proves_consistency(old, bytes(32), size, root, path)
    assert not proves_consistency(old, roots[old - 1], size, bytes(32), path)
    assert not proves_consistency(old, roots[old - 1], size, root, (*path, bytes(32)))
    assert not proves_consistency(size + 1, roots[old - 1], size, root, path)
    if path:
        assert not proves_consistency(old, roots[old - 1], size, root, path[:-1])


@given(log=LOGS, data=st.data())
def test_no_changed_beginning_passes_for_the_old_one(log, data):
    old = data.draw(st.integers(1, len(log)))
    place = data.draw(st.integers(0, old - 1))
    then = roots_of(log[:old])[-1]
    changed = [*log[:place], log[place] + b"!", *log[place + 1 :]]
    tree = Tree(changed)

    path = tree.consistency(old)

    assert not proves_consistency(old, then, len(log), tree.root(), path)


@pytest.mark.parametrize("size", [0, 4])
def test_there_is_no_proof_for_a_beginning_that_is_none(size):
    with pytest.raises(IndexError, match="beginning"):
        Tree(ENTRIES[:3]).consistency(size)


def test_there_is_no_proof_for_an_entry_that_is_none():
    with pytest.raises(IndexError, match="no entry 3"):
        Tree(ENTRIES[:3]).inclusion(3)
