"""`manage.py audit keys`: how keys stand, and orders of two people."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from compliance.audit.keys import vault
from compliance.audit.keys.errors import KeyErased
from compliance.audit.keys.rotation import ERASED_WITHIN
from compliance.audit.keys.selectors import key_of
from compliance.audit.keys.services import key_for
from compliance.audit.models import KeyEncryptionKey, KeyTombstone

pytestmark = pytest.mark.django_db
ORDER = ("--by", "ann", "--approved-by", "bob", "--why", "a drill")


def _keys(*arguments: str) -> str:
    out = io.StringIO()
    call_command("audit", "keys", *arguments, stdout=out)
    return out.getvalue()


def _keys_json(*arguments: str) -> Any:
    out = io.StringIO()
    call_command("audit", "keys", "--json", *arguments, stdout=out)
    return json.loads(out.getvalue())


def test_a_key_is_erased_and_the_rest_rotated_by_two_people() -> None:
    one, other = uuid4(), uuid4()
    _, kept = key_for(one), key_for(other)
    assert _keys("erase", "--pseudonym", str(one), *ORDER) == "The key is destroyed.\n"
    assert "destroyed before" in _keys("erase", "--pseudonym", str(one), *ORDER)
    with pytest.raises(KeyErased):
        key_of(one)
    assert "1 erasures wait for a rotation, which is due by" in _keys("status")
    done = _keys_json("rotate", *ORDER)
    assert (done["made"], done["destroyed"], done["rewrapped"]) == (2, [1], 1)
    assert _keys("status") == "1 keys, wrapped under kek-000002; 1 erased\n"
    assert key_of(other) == kept


@pytest.mark.parametrize("by", ["bob", "subject", "schedule"])
def test_nobody_orders_alone_or_in_the_name_of_another(by: str) -> None:
    one = uuid4()
    key = key_for(one)
    order = ("--by", by, "--approved-by", "bob", "--why", "a drill")
    for arguments in (("erase", "--pseudonym", str(one), *order), ("rotate", *order)):
        with pytest.raises(CommandError, match="This was not done") as refused:
            _keys(*arguments)
        assert refused.value.returncode == 2
    assert key_of(one) == key


def test_an_erasure_that_waits_too_long_is_a_fault() -> None:
    key_for(uuid4())
    long_ago = timezone.now() - ERASED_WITHIN - timedelta(minutes=1)
    KeyEncryptionKey.objects.update(made_at=long_ago)
    KeyTombstone.objects.create(pseudonym=uuid4(), erased_at=long_ago, why="asked for it")
    with pytest.raises(CommandError) as refused:
        _keys("status")
    assert refused.value.returncode == 1


def test_the_status_is_one_document_and_names_files_that_nobody_knows() -> None:
    key_for(uuid4())
    vault.draw(9)
    status = _keys_json("status")
    assert (status["subjects"], status["kept"], status["unknown"], status["due"], status["late"]) == (
        1,
        [1],
        [9],
        None,
        False,
    )
    assert "kek-000009 is known to no row" in _keys("status")


def test_a_key_file_that_is_not_there_is_a_fault() -> None:
    key_for(uuid4())
    vault.destroy(1)
    out = io.StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("audit", "keys", "status", stdout=out)
    assert refused.value.returncode == 1
    assert "kek-000001 is not in this process's folder" in out.getvalue()


@pytest.mark.parametrize(
    ("by", "approved_by"), [("subject", ""), ("schedule", ""), ("ada", "ada "), ("ada", "ADA"), ("ada", "subject")]
)
@pytest.mark.parametrize("what", ["rotate", "erase"])
def test_one_person_alone_orders_nothing_however_they_are_called(what: str, by: str, approved_by: str) -> None:
    pseudonym = uuid4()
    key_for(pseudonym)
    who = ["--by", by, "--approved-by", approved_by, "--why", "asked for"]
    with pytest.raises(CommandError, match="This was not done"):
        call_command("audit", "keys", what, *who, *(["--pseudonym", str(pseudonym)] if what == "erase" else []))
    assert key_of(pseudonym)
