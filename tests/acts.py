"""What tests ask of acts on record."""

from __future__ import annotations

from typing import Any

import orjson

from compliance.audit.models import AuditEvent


def latest(kind: str) -> dict[str, Any] | None:
    """What the latest act of a kind that is about nobody says; None where there is none."""
    event = AuditEvent.objects.filter(kind=kind, pseudonym=None).order_by("-id").first()
    document: dict[str, Any] | None = None if event is None else orjson.loads(bytes(event.body))
    return document
