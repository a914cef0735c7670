"""Whether what the public database holds under an identifier is what we meant to send."""

from __future__ import annotations

from typing import Any

Body = dict[str, Any]


def differing(sent: Body, held: Body) -> list[str]:
    """The fields in which two bodies differ, in order. Lists are compared as sets: the database sorts them.

    What is null or empty is as good as absent. Only fields that we send are looked at: the database adds its own.
    """
    return sorted(field for field, value in sent.items() if _plain(value) != _plain(held.get(field)))


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return sorted(map(str, value)) or None
    return value if value != "" else None
