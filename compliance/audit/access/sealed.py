"""Sealed fields: what `sealed_fields.toml` withholds is replaced by a stated refusal, and a copy goes into escrow."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from compliance.audit.access import escrow
from compliance.audit.canonical import digest
from compliance.audit.events import note
from compliance.audit.models import Blob
from compliance.audit.selectors import blob
from compliance.audit.storage.packing import pack_bytes

FILE: Final = Path(__file__).with_name("sealed_fields.toml")
DOCUMENTS: Final = ("parameters",)
OF_A_PERSON: Final = "record"
EVERY: Final = "*"
_FIELDS: Final = {"document", "path", "law", "why", "how"}

Document = dict[str, Any]


class SealedRefused(ValueError):
    """The file of sealed fields withholds something without saying what, why or on what ground."""


@dataclass(frozen=True, kw_only=True)
class SealedField:
    """One field that answers withhold."""

    name: str
    document: str
    path: tuple[str, ...]
    law: tuple[str, ...]
    why: str
    how: str


@cache
def sealed_fields() -> tuple[SealedField, ...]:
    """The fields in force. Raises SealedRefused."""
    return parse(FILE.read_bytes())


def parse(content: bytes) -> tuple[SealedField, ...]:
    """Fields from a TOML document. Raises SealedRefused."""
    try:
        return tuple(_field(name, given) for name, given in tomllib.loads(content.decode()).items())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SealedRefused(f"The file of sealed fields is no TOML: {error}") from error


def check_escrow() -> None:
    """Refuse to start where fields are sealed and nobody could ever open them. Raises ImproperlyConfigured."""
    if not sealed_fields():
        return
    if not settings.AUDIT_ESCROW_KEY:
        raise ImproperlyConfigured(
            f"CLERESTORY_ESCROW_KEY is not set: {FILE.name} withholds fields from auditors, and without an escrow copy "
            "that would be silence. Set it to the public key that `python compliance/audit/access/escrow.py draw FILE` "
            "prints where the escrow's holder runs it, or seal nothing."
        )
    try:
        escrow.public_key(settings.AUDIT_ESCROW_KEY)
    except escrow.EscrowRefused as error:
        raise ImproperlyConfigured(f"CLERESTORY_ESCROW_KEY cannot be used: {error}") from error


def with_refusals(document: Document, kind: str) -> Document:
    """The document (one of DOCUMENTS) with a stated refusal in place of each sealed field; the original is unchanged.

    Copies of what is withheld are in escrow when this returns.
    """
    for field in sealed_fields():
        if field.document == kind:
            document = _replaced(document, field.path, field)
    return document


def copy_of(sha256: str) -> bytes | None:
    """An escrow copy by its address; None where there is none. Nothing else is ever handed out by it."""
    content = blob(sha256)
    return content if content is not None and escrow.is_copy(content) and digest(content) == sha256 else None


def _field(name: str, given: Any) -> SealedField:
    if not isinstance(given, dict) or set(given) != _FIELDS:
        raise SealedRefused(f"The sealed field {name!r} needs exactly {', '.join(sorted(_FIELDS))}.")
    path = tuple(given["path"].split("."))
    if given["document"] == OF_A_PERSON:
        raise SealedRefused(
            f"The sealed field {name!r} is of a person's record: its copy in escrow would outlive that person's "
            "erasure (GDPR Art. 17), so it cannot be withheld. Seal fields of `parameters` alone."
        )
    if given["document"] not in DOCUMENTS or not all(path):
        raise SealedRefused(f"The sealed field {name!r} is in no document of {', '.join(DOCUMENTS)}, or has no path.")
    if not given["law"] or not given["why"] or not given["how"]:
        raise SealedRefused(f"The sealed field {name!r} says not on what ground, why, or what to ask for: say it.")
    return SealedField(
        name=name, document=given["document"], path=path, law=tuple(given["law"]), why=given["why"], how=given["how"]
    )


def _replaced(value: Any, path: tuple[str, ...], field: SealedField) -> Any:
    if value is None:
        return None
    if not path:
        return _refusal(field, value)
    if isinstance(value, dict):
        named = path[0]
        return {
            name: _replaced(each, path[1:], field) if named in (EVERY, name) else each for name, each in value.items()
        }
    if isinstance(value, list) and path[0] == EVERY:
        return [_replaced(each, path[1:], field) for each in value]
    return value


def _refusal(field: SealedField, value: Any) -> Document:
    return {
        "sealed": True,
        "field": field.name,
        "why": field.why,
        "law": list(field.law),
        "escrow": _keep(field, value),
        "how": field.how,
    }


def _keep(field: SealedField, value: Any) -> str:
    """The address of a value's escrow copy, which is written, and on record, when it is first asked for."""
    plaintext = json.dumps({"field": field.name, "value": value}, sort_keys=True, ensure_ascii=False).encode()
    secret = salted_hmac("compliance.audit.access.escrow", b"", algorithm="sha256").digest()
    copy = escrow.seal(plaintext, escrow.public_key(settings.AUDIT_ESCROW_KEY), secret=secret)
    address = digest(copy)
    if not Blob.objects.filter(sha256=address).exists():
        with transaction.atomic():
            Blob.objects.bulk_create([Blob(sha256=address, content=pack_bytes(copy))], ignore_conflicts=True)
            what = {"field": field.name, "escrow": address, "to": settings.AUDIT_ESCROW_KEY, "law": list(field.law)}
            note(kind="escrow_copy", happened_at=timezone.now(), what={**what, "why": field.why})
    return address
