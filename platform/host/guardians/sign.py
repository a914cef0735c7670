"""The sign on every page of a child who has a guardian: a context processor, asked only where a page shows it."""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from host.accounts.models import User
from host.guardians.selectors import Sign, sign_for


def guardian_sign(request: HttpRequest) -> dict[str, Any]:
    """Give templates `guardian_sign` (UK AADC standard 11; 1E-11)."""
    return {"guardian_sign": SimpleLazyObject(lambda: _sign(request))}


def _sign(request: HttpRequest) -> Sign | None:
    user = getattr(request, "user", None)
    try:
        return sign_for(user.subject) if isinstance(user, User) and user.subject is not None else None
    except (DatabaseError, InterfaceError):  # the page that says that the database is away
        return None
