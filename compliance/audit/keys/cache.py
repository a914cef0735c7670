"""A small memory of subjects' keys for writers, so that recording a slate need not read one each time."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

LIFETIME_S: Final = 60.0
SIZE: Final = 10_000


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """When keys were asked for, so that what was forgotten or has aged meanwhile is not remembered."""

    at: float
    forgotten: int


class WriteCache:
    """Keys by pseudonym: the least recently used go first, and none stays longer than its lifetime."""

    def __init__(self, *, size: int = SIZE, lifetime_s: float = LIFETIME_S) -> None:
        self._size, self._lifetime_s = size, lifetime_s
        self._keys: OrderedDict[UUID, tuple[float, bytes]] = OrderedDict()
        self._forgotten = 0
        self._lock = threading.Lock()

    def ticket(self) -> Ticket:
        """To be drawn before the database is asked."""
        with self._lock:
            return Ticket(at=time.monotonic(), forgotten=self._forgotten)

    def get(self, pseudonyms: Iterable[UUID]) -> dict[UUID, bytes]:
        """Those of the keys that are remembered."""
        oldest, found = time.monotonic() - self._lifetime_s, {}
        with self._lock:
            for pseudonym in pseudonyms:
                at, key = self._keys.get(pseudonym, (oldest, b""))
                if at > oldest:
                    self._keys.move_to_end(pseudonym)
                    found[pseudonym] = key
        return found

    def put(self, keys: Mapping[UUID, bytes], ticket: Ticket) -> None:
        """Remember keys, unless any was forgotten since the ticket was drawn: it may be one of these."""
        with self._lock:
            if ticket.forgotten != self._forgotten:
                return
            for pseudonym, key in keys.items():
                self._keys[pseudonym] = (ticket.at, key)
                self._keys.move_to_end(pseudonym)
            while len(self._keys) > self._size:
                self._keys.popitem(last=False)

    def forget(self, pseudonym: UUID) -> None:
        """Forget a key, and refuse keys that were read before now."""
        with self._lock:
            self._forgotten += 1
            self._keys.pop(pseudonym, None)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._forgotten += 1
            self._keys.clear()
