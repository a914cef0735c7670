"""What other rooms keep in the clear beside a person's records, and forget with the key that seals them.

A room names its way of forgetting when the application starts (`AppConfig.ready`); the trail itself knows none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import UUID

Forgetter = Callable[[UUID], None]

_forgetters: Final[list[Forgetter]] = []


def forgets(forgetter: Forgetter) -> None:
    """Have `forgetter` called with the pseudonym of everybody who is erased, in the same transaction."""
    if forgetter not in _forgetters:
        _forgetters.append(forgetter)


def forget_beside(pseudonym: UUID) -> None:
    """Forget what is kept beside the records of a pseudonym."""
    for forgetter in _forgetters:
        forgetter(pseudonym)
