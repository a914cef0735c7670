"""Another author's verifier (aics-tlog) accepts our log and refuses a changed one, where a Python 3.12 is at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.foreign_verifier import FOLDER, foreign, made_log, pymerkle, tampered

PYTHON = Path(os.environ.get("CLERESTORY_FOREIGN_PYTHON", "") or FOLDER / "bin" / "python")


def test_pymerkle_comes_to_the_same_tree(tmp_path: Path) -> None:
    assert all(held for _, _, held in pymerkle(*made_log(tmp_path, 1_500, 20)))


@pytest.mark.skipif(
    not PYTHON.exists(),
    reason="No Python 3.12 with aics-tlog: run bench/foreign_verifier.py --python PYTHON once, or set "
    "CLERESTORY_FOREIGN_PYTHON.",
)
def test_another_authors_verifier_accepts_our_log_and_refuses_a_changed_one(tmp_path: Path) -> None:
    asked, _ = made_log(tmp_path, 1_500, 20)
    assert [(what, held) for what, _, held in foreign(PYTHON, asked) if not held] == []
    assert [what for what, _, held in tampered(PYTHON, asked) if not held] == []
