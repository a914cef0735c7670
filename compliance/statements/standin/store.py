"""What the stand-in holds: statements by identifier, taken whole or not at all; how fast it may be asked."""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from compliance.statements.standin.validation import validate

NOT_UNIQUE: Final = "The identifier given is not unique within this platform."
NOT_ALL_UNIQUE: Final = "The platform identifier(s) are not all unique within this call."
MOST: Final = 100

Document = dict[str, Any]
Reply = tuple[int, Document]


@dataclass(kw_only=True)
class Limits:
    """How many requests may come in a second and in a minute; the original's for a signed-in platform."""

    per_second: int = 200
    per_minute: int = 12_000
    _seen: deque[float] = field(default_factory=deque)

    def wait(self, now: float) -> int:
        """Count a request; seconds to wait where it is one too many, else 0."""
        while self._seen and self._seen[0] <= now - 60:
            self._seen.popleft()
        if len(self._seen) >= self.per_minute:
            return max(1, round(self._seen[0] + 60 - now))
        if sum(moment > now - 1 for moment in self._seen) >= self.per_second:
            return 1
        self._seen.append(now)
        return 0


@dataclass(kw_only=True)
class Store:
    """The statements of one platform."""

    held: dict[str, Document] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def one(self, given: object) -> Reply:
        """POST /api/v1/statement."""
        kept, errors = validate(given)
        with self._lock:
            if errors:
                first, more = next(iter(errors.values()))[0], sum(map(len, errors.values())) - 1
                message = first if not more else f"{first} (and {more} more error{'s' if more > 1 else ''})"
                return 422, {"message": message, "errors": errors}
            if kept["puid"] in self.held:
                existing = self.held[kept["puid"]]
                return 422, {"message": NOT_UNIQUE, "errors": {"puid": [NOT_UNIQUE]}, "existing": existing}
            return 201, self._put(kept)

    def many(self, given: object) -> Reply:
        """POST /api/v1/statements: all or nothing."""
        statements = given.get("statements") if isinstance(given, dict) else None
        if not isinstance(statements, list) or not 1 <= len(statements) <= MOST:
            message = f"The statements field must have between 1 and {MOST} items."
            return 422, {"message": message, "errors": {"statements": [message]}}
        judged = [validate(one) for one in statements]
        if errors := {f"statement_{place}": wrong for place, (_, wrong) in enumerate(judged) if wrong}:
            return 422, {"errors": errors}
        puids = [kept["puid"] for kept, _ in judged]
        with self._lock:
            twice = {puid for puid in puids if puid in self.held or puids.count(puid) > 1}
            if twice:
                named = {"puid": [NOT_ALL_UNIQUE], "existing_puids": sorted(twice)}
                return 422, {"message": NOT_ALL_UNIQUE, "errors": named}
            return 201, {"statements": [self._put(kept) for kept, _ in judged]}

    def existing(self, puid: str) -> Reply:
        """GET /api/v1/statement/existing-puid/{puid}."""
        if puid in self.held:
            return 302, {"message": "statement of reason found", "puid": puid}
        return 404, {"message": "statement of reason not found", "puid": puid}

    def by_uuid(self, wanted: str) -> Reply:
        """GET /api/v1/statement/{uuid}."""
        for one in self.held.values():
            if one["uuid"] == wanted:
                return 200, one
        return 404, {"message": "statement of reason not found"}

    def _put(self, kept: Document) -> Document:
        """Keep a statement as the original does: lists in order, dates without a value null."""
        number = str(uuid.uuid4())
        shown = {name: sorted(value) if isinstance(value, list) else value for name, value in kept.items()}
        ends = {f"end_date_{one}_restriction": None for one in ("visibility", "monetary", "service", "account")}
        made = {
            **ends,
            **shown,
            "uuid": number,
            "id": len(self.held) + 1,
            "created_at": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()),
            "platform_name": "A platform",
            "permalink": f"/statement/{number}",
            "self": f"/api/v1/statement/{number}",
        }
        self.held[kept["puid"]] = made
        return made
