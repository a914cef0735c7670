"""What the database knows of subjects' keys: found with their tombstones in one statement, added under one lock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.utils import timezone

from compliance.audit.keys import vault
from compliance.audit.models import KeyEncryptionKey

WRAPPING: Final = 0x636C6572_6B657973
"""PostgreSQL's advisory lock: shared by who adds keys, until they commit; held alone by who retires what wraps them."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What there is for the pseudonyms asked for."""

    wrapped: dict[UUID, tuple[int, bytes]]  # number of the key-encryption key, wrapped key
    erased: frozenset[UUID]
    current: int | None  # the newest key-encryption key in use; None: there is none yet


_FIND: Final = """
SELECT asked.pseudonym, held.kek, held.wrapped, gone.pseudonym IS NOT NULL,
       (SELECT max(number) FROM audit_keyencryptionkey WHERE retired_at IS NULL)
FROM unnest(%s::uuid[]) AS asked (pseudonym)
LEFT JOIN audit_subjectkey AS held ON held.pseudonym = asked.pseudonym
LEFT JOIN audit_keytombstone AS gone ON gone.pseudonym = asked.pseudonym
"""


def find(pseudonyms: Iterable[UUID]) -> Found:
    """Look pseudonyms up: one statement, whatever their number. A tombstone counts more than a key."""
    asked = list(pseudonyms)
    if not asked:
        return Found(wrapped={}, erased=frozenset(), current=None)
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [asked])
        rows = cursor.fetchall()
    return Found(
        wrapped={row[0]: (row[1], bytes(row[2])) for row in rows if row[1] is not None and not row[3]},
        erased=frozenset(row[0] for row in rows if row[3]),
        current=rows[0][4],
    )


def opened(found: Found) -> dict[UUID, bytes]:
    """Unwrap what was found. Raises KekMissing (a rotation may have come between), VaultRefused, KeyBroken."""
    keks = {number: vault.read(number) for number in {number for number, _ in found.wrapped.values()}}
    return {
        pseudonym: keks[number].unwrap(pseudonym, wrapped) for pseudonym, (number, wrapped) in found.wrapped.items()
    }


_ADD: Final = """
INSERT INTO audit_subjectkey (pseudonym, wrapped, kek, made_at)
SELECT given.pseudonym, given.wrapped, %(kek)s, %(now)s
FROM unnest(%(pseudonyms)s::uuid[], %(wrapped)s::bytea[]) AS given (pseudonym, wrapped)
WHERE EXISTS (SELECT FROM audit_keyencryptionkey WHERE number = %(kek)s AND retired_at IS NULL)
ON CONFLICT (pseudonym) DO NOTHING
"""


def add(wrapped: dict[UUID, bytes], *, kek: int) -> None:
    """Add wrapped keys where there are none, unless what wraps them was retired meanwhile. In a transaction only.

    In the order of the pseudonyms, so that two who add the same ones wait for each other and never in a circle.
    """
    pseudonyms = sorted(wrapped)
    values: dict[str, Any] = {"kek": kek, "now": timezone.now(), "pseudonyms": pseudonyms}
    values["wrapped"] = [wrapped[pseudonym] for pseudonym in pseudonyms]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [WRAPPING])
        cursor.execute(_ADD, values)


class WritersBusy(Exception):
    """Somebody adds keys and does not end."""


@contextmanager
def nobody_adds(timeout_ms: int) -> Iterator[None]:
    """A transaction in which no key is being added, anywhere. Raises WritersBusy where that takes too long.

    Whoever wants to add one meanwhile waits, behind us too while we wait.
    """
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{timeout_ms}ms"])
        try:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [WRAPPING])
        except OperationalError as error:
            raise WritersBusy from error
        yield


def new_kek() -> int:
    """Make a key-encryption key: first its file, then its row, so that a row always has a file."""
    last = KeyEncryptionKey.objects.order_by("-number").values_list("number", flat=True).first() or 0
    number = vault.draw(last + 1)
    KeyEncryptionKey.objects.create(number=number, made_at=timezone.now())
    return number


_TAKE: Final = """
SELECT pseudonym, kek, wrapped FROM audit_subjectkey WHERE kek < %s ORDER BY pseudonym LIMIT %s FOR UPDATE
"""
_GIVE: Final = """
UPDATE audit_subjectkey AS held SET wrapped = given.wrapped, kek = %s
FROM unnest(%s::uuid[], %s::bytea[]) AS given (pseudonym, wrapped) WHERE held.pseudonym = given.pseudonym
"""


def rewrap(kek: vault.Kek, *, at_most: int) -> int:
    """Wrap some keys anew that older key-encryption keys wrap, in one transaction; return how many.

    Raises KekMissing, VaultRefused, KeyBroken: nothing was changed then.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_TAKE, [kek.number, at_most])
        held = {row[0]: (row[1], bytes(row[2])) for row in cursor.fetchall()}
        keys = opened(Found(wrapped=held, erased=frozenset(), current=None))
        cursor.execute(_GIVE, [kek.number, list(keys), [kek.wrap(p, key) for p, key in keys.items()]])
    return len(keys)


def erase_rows(pseudonym: UUID) -> None:
    """Destroy a key's row for good, whoever may be adding it right now. In a transaction only.

    Taking the row's place first makes whoever adds it wait, or be waited for: after that, either they find the
    tombstone or their row is here to be deleted.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_subjectkey (pseudonym, wrapped, kek, made_at) VALUES (%s, '', 0, now()) "
            "ON CONFLICT (pseudonym) DO NOTHING",
            [pseudonym],
        )
        cursor.execute("DELETE FROM audit_subjectkey WHERE pseudonym = %s", [pseudonym])
