"""Rotation: a new key-encryption key wraps all keys that are left, and the old ones are destroyed. Then erasures hold.

Steps, each whole by itself, so that a crash between any two leaves every key readable and the next rotation goes on:
a new file, then its row; survivors wrapped anew in batches; with nobody adding keys, the last of them, and the old
key-encryption keys retired; their files destroyed; that noted. Nothing is ever wrapped under a retired one, and only
retired ones are destroyed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction
from django.utils import timezone

from compliance.audit.keys import rows, vault
from compliance.audit.keys.errors import RotationRefused, RotationRunning
from compliance.audit.keys.orders import order
from compliance.audit.locks import held
from compliance.audit.models import KeyEncryptionKey

ERASED_WITHIN: Final = timedelta(days=30)
"""Published: after this, no file, WAL segment or backup opens an erased subject's key. Backups are kept no longer."""
ROTATE_AFTER: Final = ERASED_WITHIN - timedelta(days=2)
"""Age of the oldest key-encryption key at which the daily task rotates: a failed day or two break no promise."""
BATCH: Final = 1_000
PATIENCE_MS: Final = (200, 500, 1_000, 2_000, 4_000, 8_000)  # writers of new keys wait behind us meanwhile
ROTATING: Final = 0x636C6572_726F7461
"""PostgreSQL's advisory lock for the one process that rotates."""


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """What a rotation did."""

    made: int  # number of the new key-encryption key
    destroyed: tuple[int, ...]
    rewrapped: int


def rotate(*, by: str, why: str, approved_by: str = "", progress: Callable[[int], None] = lambda _: None) -> Rotation:
    """Wrap all keys under a new key-encryption key and destroy the old ones; `progress` hears how many are done.

    Not in a transaction. Raises OrderRefused, RotationRefused (another rotation, or writers that do not end),
    VaultRefused, KeyBroken: every key is readable still, and the next rotation finishes the work.
    """
    ordered = order(by=by, approved_by=approved_by, why=why)
    with _alone():
        kek = vault.read(rows.new_kek())
        done = 0
        while batch := rows.rewrap(kek, at_most=BATCH):
            done += batch
            progress(done)
        done += _retire(kek)
        destroyed = _destroy()
        with transaction.atomic():
            from compliance.audit.events import note  # events are sealed with these keys, and so import them

            KeyEncryptionKey.objects.filter(number__in=destroyed).update(destroyed_at=timezone.now())
            what = {**ordered, "made": kek.number, "destroyed": destroyed, "rewrapped": done}
            note(kind="key_rotation", happened_at=timezone.now(), what=what)
    return Rotation(made=kek.number, destroyed=tuple(destroyed), rewrapped=done)


def is_due(now: datetime) -> bool:
    """Tell whether a key-encryption key is so old that an erasure may wait too long for its end."""
    return KeyEncryptionKey.objects.filter(destroyed_at=None, made_at__lte=now - ROTATE_AFTER).exists()


def _retire(kek: vault.Kek) -> int:
    """Wrap the last keys anew, and let nothing be wrapped under older key-encryption keys from here on.

    Waits a little for writers of new keys, lets those through who came meanwhile, and waits longer.
    """
    for patience_ms in PATIENCE_MS:
        done = 0
        try:
            with rows.nobody_adds(patience_ms), connection.cursor() as cursor:
                # On the disk before the old keys' files are destroyed, whatever this connection's default is.
                cursor.execute("SELECT set_config('synchronous_commit', 'on', true)")
                while batch := rows.rewrap(kek, at_most=BATCH):
                    done += batch
                KeyEncryptionKey.objects.filter(number__lt=kek.number, retired_at=None).update(
                    retired_at=timezone.now()
                )
        except rows.WritersBusy:
            continue
        return done
    raise RotationRefused(
        f"Somebody adds subjects' keys in a transaction that is older than {PATIENCE_MS[-1]} ms: rotate again when it "
        "is done. Until then the old key-encryption keys stay."
    )


def _destroy() -> list[int]:
    """Destroy what is retired, those of an interrupted rotation too; return their numbers."""
    waiting = KeyEncryptionKey.objects.filter(destroyed_at=None).exclude(retired_at=None).order_by("number")
    numbers = list(waiting.values_list("number", flat=True))
    for number in numbers:
        vault.destroy(number)
    return numbers


def _alone() -> AbstractContextManager[None]:
    return held([ROTATING], busy=RotationRunning("Another rotation is under way: leave the work to it."))
