"""The web role makes and reads keys, the eraser's destroys and rotates; neither needs to be the tables' owner."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from uuid import uuid4

import pytest
from django.db import ProgrammingError, connection, transaction

from compliance.audit.grants import ERASER, WEB, Roles, apply
from compliance.audit.keys import vault
from compliance.audit.keys.orders import SUBJECT
from compliance.audit.keys.selectors import key_of, key_status
from compliance.audit.keys.services import erase, key_for
from tests.compliance.keys.made_keys import WHY, rotated

pytestmark = pytest.mark.django_db
ROLES = Roles(prefix=f"test_keys_{os.getpid()}")  # roles belong to the cluster: each test process has its own


@contextmanager
def _acting_as(role: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f'SET LOCAL ROLE "{ROLES.name(role)}"')
        yield
        cursor.execute("RESET ROLE")


def test_each_role_can_do_its_part_and_the_web_role_erases_nothing() -> None:
    apply(ROLES)
    one, other = uuid4(), uuid4()
    with _acting_as(WEB):
        key_for(one)
        kept = key_for(other)
        for work in (partial(erase, pseudonym=one, by=SUBJECT, why=WHY), rotated):
            with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                work()
    with _acting_as(ERASER):
        erase(pseudonym=one, by=SUBJECT, why=WHY)
        assert key_status().waiting == 1
        made = rotated().made
    assert set(vault.numbers()) - set(key_status().unknown) == {made}
    with _acting_as(WEB):
        assert key_of(other) == kept
        key_for(uuid4())
