"""Key-encryption keys are files of their owner alone; what they wrapped opens with them and not without."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from compliance.audit.keys import vault
from compliance.audit.keys.errors import KekMissing, KeyBroken, VaultRefused

KEY = b"k" * 32


def test_a_drawn_key_is_a_private_file_of_32_bytes() -> None:
    number = vault.draw()
    path = vault.path_of(number)
    assert (number, path.name, path.stat().st_size) == (1, "kek-000001", 32)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert [each.name for each in path.parent.iterdir()] == ["kek-000001"]


def test_those_who_draw_at_once_get_one_each() -> None:
    with ThreadPoolExecutor(8) as pool:
        drawn = list(pool.map(lambda _: vault.draw(), range(24)))
    assert sorted(drawn) == vault.numbers() == list(range(1, 25))
    assert len({vault.read(number).secret for number in drawn}) == 24


def test_a_number_is_never_below_what_was_asked_for() -> None:
    assert [vault.draw(7), vault.draw(), vault.draw(3)] == [7, 8, 9]


def test_what_was_wrapped_opens_for_its_pseudonym_under_its_key_alone() -> None:
    one, (first, second) = uuid4(), [vault.read(vault.draw()) for _ in range(2)]
    wrapped = first.wrap(one, KEY)
    assert (len(wrapped), first.unwrap(one, wrapped)) == (60, KEY)
    assert first.wrap(one, KEY) != wrapped
    same_bytes = vault.Kek(number=second.number, secret=first.secret)
    for kek, pseudonym, given in [
        (second, one, wrapped),
        (same_bytes, one, wrapped),
        (first, uuid4(), wrapped),
        (first, one, wrapped[:-1]),
        (first, one, b""),
    ]:
        with pytest.raises(KeyBroken, match="does not open"):
            kek.unwrap(pseudonym, given)


@pytest.mark.parametrize("folder_itself", [True, False])
def test_modes_that_let_others_in_are_refused(folder_itself: bool) -> None:
    number = vault.draw()
    path = vault.folder() if folder_itself else vault.path_of(number)
    path.chmod(path.stat().st_mode & 0o7777 | 0o040)
    with pytest.raises(VaultRefused, match=r"give it mode 0[67]00"):
        vault.read(number)


def test_no_key_is_drawn_into_a_folder_that_others_may_read() -> None:
    vault.folder().mkdir(mode=0o755)
    with pytest.raises(VaultRefused, match="give it mode 0700"):
        vault.draw()
    assert not list(vault.folder().iterdir())


def test_a_missing_and_a_cut_key_are_refused() -> None:
    number = vault.draw()
    vault.path_of(number).write_bytes(b"short")
    with pytest.raises(VaultRefused, match="has 5 bytes"):
        vault.read(number)
    vault.destroy(number)
    with pytest.raises(KekMissing, match="is not there"):
        vault.read(number)


def test_a_path_that_is_no_folder_is_refused(settings: Any, tmp_path: Path) -> None:
    settings.AUDIT_KEYS = tmp_path / "file"
    settings.AUDIT_KEYS.write_bytes(b"")
    settings.AUDIT_KEYS.chmod(0o600)
    with pytest.raises(VaultRefused, match="correct it"):
        vault.draw()


def test_destroying_overwrites_before_it_removes(tmp_path: Path) -> None:
    number = vault.draw()
    secret, other_name = vault.read(number).secret, tmp_path / "other name of the same file"
    other_name.hardlink_to(vault.path_of(number))
    vault.destroy(number)
    vault.destroy(number)  # again, as after a crash
    assert vault.numbers() == []
    assert other_name.stat().st_size == 32
    assert other_name.read_bytes() != secret
