"""What is not as it was recorded, by name; and where two documents differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from compliance.audit.canonical import canonical


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One thing that is not as recorded: `what` names it (a file, a snapshot, a path in the output)."""

    what: str
    recorded: str
    found: str

    def __str__(self) -> str:
        return f"{self.what}: recorded {self.recorded}, found {self.found}"


def compare(path: str, recorded: Any, found: Any) -> Iterator[Difference]:
    """Yield the leaves where two documents differ, by path."""
    if isinstance(recorded, dict) and isinstance(found, dict):
        for key in sorted(set(recorded) | set(found)):
            yield from compare(f"{path}.{key}", recorded.get(key), found.get(key))
    elif isinstance(recorded, list | tuple) and isinstance(found, list | tuple) and len(recorded) == len(found):
        for place, (one, other) in enumerate(zip(recorded, found, strict=True)):
            yield from compare(f"{path}[{place}]", one, other)
    elif recorded != found and canonical([recorded]) != canonical([found]):
        yield Difference(what=path, recorded=_short(recorded), found=_short(found))


def _short(value: Any) -> str:
    text = canonical([value]).decode()[1:-1]
    return text if len(text) <= 80 else f"{text[:77]}…"
