"""Which version of its policy set a service obeys. A process asks the database again after `FOR_SECONDS`."""

from __future__ import annotations

import hashlib
import time
from typing import Final

from django.db import DatabaseError, InterfaceError

from compliance.policy.in_force import PolicyAway, check_activated
from compliance.policy.models import PolicyVersion, State
from compliance.policy.pack import PackRefused
from compliance.policy.policy_set import PolicySet, of_content

FOR_SECONDS: Final = 1.0
"""A version takes effect everywhere within this time: it is the longest that a process goes by what it read."""

_known: dict[str, tuple[float, str]] = {}  # service -> (when it was read, address; empty where there is none)
_sets: dict[tuple[str, str], PolicySet] = {}  # (service, address) -> the set, whose bytes and approval were checked


def set_in_force(service: str) -> PolicySet | None:
    """The set that a service activated; None where it obeys what its release brings. Raises PolicyAway."""
    read_at, sha256 = _known.get(service, (0.0, ""))
    if service not in _known or time.monotonic() - read_at >= FOR_SECONDS:
        sha256 = _read(service)
    return _sets[service, sha256] if sha256 else None


def forget() -> None:
    """Ask the database the next time, and check again what it says."""
    _known.clear()
    _sets.clear()


def _read(service: str) -> str:
    began = time.monotonic()  # before the look: never by what was read longer ago than that
    try:
        found = PolicyVersion.objects.filter(service=service, state=State.ACTIVE).values_list("sha256", flat=True)
        sha256 = found.first() or ""
        if sha256 != _known.get(service, (0.0, ""))[1] or (service, sha256) not in _sets:
            _take(service, sha256)
    except PolicyAway:
        raise
    except (DatabaseError, InterfaceError) as error:
        raise PolicyAway(
            "Which rules are in force could not be read, so nothing was served: every list is planned by them first. "
            "Try again in a few seconds."
        ) from error
    _known[service] = (began, sha256)
    return sha256


def _take(service: str, sha256: str) -> None:
    """Read a set that is new to this process: its bytes are what its address says, and people put it in force."""
    if not sha256:
        return
    content = PolicyVersion.objects.filter(service=service, sha256=sha256, state=State.ACTIVE).values_list(
        "content", flat=True
    )
    held = bytes(content.get())
    try:
        policies = of_content(held)
    except PackRefused as error:
        raise PolicyAway(f"The policy set in force cannot be read, so nothing was served: {error}") from error
    if hashlib.sha256(held).hexdigest() != sha256 or policies.sha256 != sha256:
        raise PolicyAway(
            f"The policy set in force is not what its address {sha256[:12]} says, so nothing was served: its bytes "
            "were changed after it was approved. Find out who wrote to the table of versions, and set that "
            "version's state to 'retired' there: what the release brings is in force then. Propose anew."
        )
    check_activated(service, sha256)
    _sets[service, sha256] = policies
