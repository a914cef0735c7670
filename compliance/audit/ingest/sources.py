"""Sources and their keys: drawn at random, shown once, kept as a hash, revoked for good."""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from compliance.audit.events import note
from compliance.audit.ingest.models import IngestSource

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}", re.ASCII)
SECRET_BYTES: Final = 32
_NOBODY: Final = sha256(b"no source has this key").digest()


class SourceRefused(ValueError):
    """A source cannot be made, or its key cannot be changed, as asked."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A producer that proved who it is. It writes as itself only."""

    name: str
    service: str


def add(*, name: str, service: str, by: str, why: str) -> str:
    """Make a source; return its key, which nobody can ask for again. Raises SourceRefused."""
    if not NAME.fullmatch(name):
        raise SourceRefused(f"{name!r} is no name of a source: use 1 to 32 lower-case letters, digits or hyphens.")
    key, now = _drawn(name), timezone.now()
    try:
        with transaction.atomic():
            IngestSource.objects.create(name=name, service=service, key_sha256=_hash(key), created_at=now)
            note(kind="ingest_source", happened_at=now, what={**_act("added", name, by, why), **_given(key, service)})
    except IntegrityError as error:
        raise SourceRefused(
            f"There is a source {name!r} already, or was: its numbers go on. Take another name."
        ) from error
    return key


@transaction.atomic
def renew(*, name: str, by: str, why: str) -> str:
    """Give a source a new key in place of the old one; return it. Raises SourceRefused."""
    source, key = _of(name), _drawn(name)
    IngestSource.objects.filter(name=source.name).update(key_sha256=_hash(key), revoked_at=None)
    what = {**_act("renewed", name, by, why), **_given(key, source.service)}
    note(kind="ingest_source", happened_at=timezone.now(), what=what)
    return key


@transaction.atomic
def revoke(*, name: str, by: str, why: str) -> None:
    """Take a source's key away: nothing is written with it any more. Raises SourceRefused."""
    now = timezone.now()
    IngestSource.objects.filter(name=_of(name).name, revoked_at=None).update(revoked_at=now)
    note(kind="ingest_source", happened_at=now, what=_act("revoked", name, by, why))


def source_of(key: str) -> Source | None:
    """The source whose key this is; None for any other text. A wrong key takes as long as a right one."""
    name = key.partition(".")[0]
    row = IngestSource.objects.filter(name=name).first() if NAME.fullmatch(name) else None
    expected = _NOBODY if row is None else bytes(row.key_sha256)
    if not hmac.compare_digest(_hash(key), expected) or row is None or row.revoked_at is not None:
        return None
    return Source(name=row.name, service=row.service)


def _of(name: str) -> IngestSource:
    found = IngestSource.objects.select_for_update(no_key=True).filter(name=name).first()
    if found is None:
        raise SourceRefused(f"There is no source {name!r}: add it first.")
    return found


def _drawn(name: str) -> str:
    return f"{name}.{secrets.token_urlsafe(SECRET_BYTES)}"


def _hash(key: str) -> bytes:
    """One hash is enough: the key is 256 random bits, which nobody can guess through it."""
    return sha256(key.encode()).digest()


def _act(what: str, name: str, by: str, why: str) -> dict[str, str]:
    if not by.strip() or not 0 < len(why.strip()) <= 500:
        raise SourceRefused("Say who does this and why, in up to 500 characters: it goes on record.")
    return {"act": what, "source": name, "by": by, "why": why}


def _given(key: str, service: str) -> dict[str, str]:
    """What a row must be like from then on, for whoever verifies it."""
    return {"key_sha256": _hash(key).hex(), "service": service}
