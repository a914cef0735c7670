"""Which version of its policy set a service obeys. A process asks the database again after `FOR_SECONDS`."""

from __future__ import annotations

import time
from typing import Final

from django.db import DatabaseError, InterfaceError, OperationalError

from compliance.policy.models import PolicyVersion, State
from compliance.policy.policy_set import PolicySet, of_content

FOR_SECONDS: Final = 1.0
"""A version takes effect everywhere within this time: it is the longest that a process goes by what it read."""

_known: dict[str, tuple[float, str]] = {}  # service -> (when it was read, address; empty where there is none)
_sets: dict[str, PolicySet] = {}  # by address


class PolicyAway(OperationalError):
    """Which policy set is in force cannot be read. Nothing is planned then, and nothing served."""


def set_in_force(service: str) -> PolicySet | None:
    """The set that a service activated; None where it obeys what its release brings. Raises PolicyAway."""
    read_at, sha256 = _known.get(service, (0.0, ""))
    if service not in _known or time.monotonic() - read_at >= FOR_SECONDS:
        sha256 = _read(service)
    return _sets[sha256] if sha256 else None


def version_in_force(service: str) -> PolicyVersion | None:
    """The version that a service activated last, straight from the database."""
    return PolicyVersion.objects.filter(service=service, state=State.ACTIVE).first()


def forget() -> None:
    """Ask the database the next time."""
    _known.clear()


def _read(service: str) -> str:
    began = time.monotonic()  # before the look: never by what was read longer ago than that
    try:
        found = PolicyVersion.objects.filter(service=service, state=State.ACTIVE).values_list("sha256", flat=True)
        sha256 = found.first() or ""
        if sha256 and sha256 not in _sets:
            content = PolicyVersion.objects.filter(sha256=sha256).values_list("content", flat=True)[:1].get()
            _sets[sha256] = of_content(bytes(content))
    except (DatabaseError, InterfaceError) as error:
        raise PolicyAway(
            "Which rules are in force could not be read, so nothing was served: every list is planned by them first. "
            "Try again in a few seconds."
        ) from error
    _known[service] = (began, sha256)
    return sha256
