"""After erasure and rotation no file of a really running PostgreSQL, and no backup, opens an erased subject."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection

from bench.pg_backup import back_up, checkpoint, server_paths
from bench.raw_search import Needles
from compliance.audit.keys import vault
from compliance.audit.keys.errors import KeyBroken
from compliance.audit.keys.orders import SUBJECT
from compliance.audit.keys.selectors import keys_of
from compliance.audit.keys.services import erase, keys_for
from compliance.audit.models import SubjectKey
from tests.compliance.keys.made_keys import WHY, rotated


@pytest.fixture(name="backups")
def _backups() -> Iterator[Path]:
    """A folder that does not stay: base backups are large."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def test_needles_are_found_across_blocks_and_as_hex(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.raw_search.BLOCK", 100)
    needles = {str(number): secrets.token_bytes(32) for number in range(50)}
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "raw").write_bytes(b"\0" * 85 + needles["0"] + needles["1"] + b"end")
    (tmp_path / "hex").write_text(f"{'-' * 180}\\\\x{needles['2'].hex()}")
    (tmp_path / "others").write_bytes(secrets.token_bytes(1000) + needles["3"][:31])
    found = Needles(needles).found_below(tmp_path)
    assert {name: {path.name for path in paths} for name, paths in found.items()} == {
        "0": {"raw"},
        "1": {"raw"},
        "2": {"hex"},
    }


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("DATABASE_URL" in os.environ, reason="the files of a server elsewhere cannot be read")
def test_no_file_and_no_backup_opens_an_erased_subject(backups: Path) -> None:
    people = [uuid4() for _ in range(20)]
    erased, kept = people[:10], people[10:]
    keys, planted = keys_for(people), secrets.token_bytes(32)
    wrapped = {row.pk: bytes(row.wrapped) for row in SubjectKey.objects.all()}
    old_kek = vault.read(1).secret
    with connection.cursor() as cursor:  # a key as nobody should keep it, and deleted as one would think
        cursor.execute("CREATE TABLE bare_key (secret bytea)")
        cursor.execute("INSERT INTO bare_key VALUES (%s)", [planted])
        cursor.execute("DELETE FROM bare_key")
    try:
        back_up(backups / "before")
        for person in erased:
            erase(pseudonym=person, by=SUBJECT, why=WHY)
        rotated()
        checkpoint()
        with connection.cursor() as cursor:  # again: the checkpoint may have recycled the segment of the first time
            cursor.execute("INSERT INTO bare_key VALUES (%s)", [planted])
        back_up(backups / "after")
        secret = {f"key of {person}": key for person, key in keys.items()} | {"old kek": old_kek}
        shown = {"planted": planted} | {f"wrapped {person}": wrapped[person] for person in erased}
        needles = Needles(secret | shown)
        places = [server_paths().data, backups / "before", backups / "after", vault.folder()]
        found = {name for place in places for name in needles.found_below(place)}
        in_data = needles.found_below(server_paths().data)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE bare_key")
    assert found.isdisjoint(secret)
    assert found == shown.keys()  # the search finds what is there: the wrapped keys too, which nothing opens
    assert any("pg_wal" in path.parts for path in in_data["planted"])
    assert any("base" in path.parts for path in in_data["planted"])
    assert vault.numbers() == [2]
    for person in erased:
        with pytest.raises(KeyBroken):
            vault.read(2).unwrap(person, wrapped[person])
    assert keys_of(people) == {person: keys[person] for person in kept}
