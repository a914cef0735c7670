"""`manage.py test_then_train` prints every chunk before it was learned from, and refuses in a sentence."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.ranking import made_movielens


@pytest.fixture(name="films")
def _films(tmp_path: Path) -> Path:
    return made_movielens.write_recbole(tmp_path / "ml")


def test_chunks_come_in_order_of_time_and_add_up(films: Path) -> None:
    out = io.StringIO()
    call_command("test_then_train", "movielens-100k", str(films), chunks=3, stdout=out)
    head, *chunks, whole = out.getvalue().splitlines()
    assert head.split() == ["from", "task", "rows", "AUC", "gAUC", "logloss"]
    assert len(chunks) == 3
    assert sorted(chunks) == chunks
    assert whole.startswith("all chunks")
    rows = [int(line.split()[3].replace(",", "")) for line in (*chunks, whole)]
    assert sum(rows[:-1]) == rows[-1] > 0


def test_what_cannot_be_streamed_is_refused(films: Path) -> None:
    with pytest.raises(CommandError, match="--chunks must be 1 or more, not 0"):
        call_command("test_then_train", "movielens-100k", str(films), chunks=0)
    with pytest.raises(CommandError, match="Name the folder that holds its files"):
        call_command("test_then_train", "kuairand-pure")
