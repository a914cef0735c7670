"""Retention classes as `classes.toml` beside this file has them: which kinds, for how long, by which law."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

FILE: Final = Path(__file__).with_name("classes.toml")
REST: Final = "*"
MOVE: Final = "move"

Origin = Literal["recorded", "last_shown"]


class ClassesRefused(ValueError):
    """The file of classes would break a law, or says nothing sensible."""


@dataclass(frozen=True, kw_only=True)
class RetentionClass:
    """How long one kind of thing is kept. `keep_days` 0: for ever."""

    name: str
    what: str
    kinds: tuple[str, ...]
    law: tuple[str, ...]
    least_days: int
    keep_days: int
    origin: Origin
    hot_days: int
    unattended: tuple[str, ...]

    def moves_on(self, period_end: date) -> date:
        """From when on a month that ended (exclusive) on this day may leave PostgreSQL for the cold tier."""
        return period_end + timedelta(days=self.hot_days)

    def expires_on(self, period_end: date, last_shown: date | None = None) -> date | None:
        """From when on it may be deleted; None: never, or nobody can say yet."""
        start = last_shown if self.origin == "last_shown" else period_end
        return None if self.keep_days == 0 or start is None else start + timedelta(days=self.keep_days)


@dataclass(frozen=True, kw_only=True)
class Classes:
    """All classes, and the SHA-256 of the file that they were read from: what acts name as their legal basis."""

    by_name: Mapping[str, RetentionClass]
    sha256: str

    def of(self, kind: str) -> RetentionClass:
        """The class of a kind of log entry."""
        return next((each for each in self.by_name.values() if kind in each.kinds), self._rest)

    @property
    def _rest(self) -> RetentionClass:
        return next(each for each in self.by_name.values() if REST in each.kinds)


@cache
def classes() -> Classes:
    """The classes that are in force. Raises ClassesRefused."""
    return parse(FILE.read_bytes())


def parse(content: bytes) -> Classes:
    """Classes from a TOML document. Raises ClassesRefused where it breaks a law or says nothing sensible."""
    try:
        found = {name: _class(name, each) for name, each in tomllib.loads(content.decode()).items()}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ClassesRefused(f"The file of retention classes is no TOML: {error}") from error
    kinds = [kind for each in found.values() for kind in each.kinds]
    if twice := sorted({kind for kind in kinds if kinds.count(kind) > 1}):
        raise ClassesRefused(f"The kind {twice[0]!r} is in two retention classes: leave it in one.")
    if REST not in kinds:
        raise ClassesRefused(f"No retention class covers all other kinds: give one of them kinds = [{REST!r}].")
    return Classes(by_name=found, sha256=hashlib.sha256(content).hexdigest())


def _class(name: str, given: Any) -> RetentionClass:
    try:
        each = RetentionClass(
            name=name,
            what=str(given["what"]),
            kinds=tuple(given["kinds"]),
            law=tuple(given["law"]),
            least_days=int(given["least_days"]),
            keep_days=int(given["keep_days"]),
            origin=given["from"],
            hot_days=int(given["hot_days"]),
            unattended=tuple(given["unattended"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ClassesRefused(f"The retention class {name!r} lacks {error}, or has it in another form.") from error
    if unknown := sorted(set(given) - _FIELDS):
        raise ClassesRefused(f"The retention class {name!r} has {unknown[0]!r}, which means nothing: take it out.")
    _check(each)
    return each


_FIELDS: Final = {"what", "kinds", "law", "least_days", "keep_days", "from", "hot_days", "unattended"}


def _check(each: RetentionClass) -> None:
    if not each.law or not each.kinds:
        raise ClassesRefused(f"The retention class {each.name!r} names no law or no kind: say both.")
    if each.origin not in ("recorded", "last_shown"):
        raise ClassesRefused(f"{each.name!r} counts from {each.origin!r}: it is 'recorded' or 'last_shown'.")
    if min(each.least_days, each.keep_days, each.hot_days) < 0:
        raise ClassesRefused(f"The retention class {each.name!r} has days below 0.")
    if each.keep_days and each.keep_days < each.least_days:
        raise ClassesRefused(
            f"{each.name!r} would be kept for {each.keep_days} days, but {each.law[0]} asks for {each.least_days}: "
            "keep it longer."
        )
    if each.keep_days and each.hot_days > each.keep_days:
        raise ClassesRefused(f"{each.name!r} would stay in the database longer than it is kept: lower hot_days.")
    if set(each.unattended) - {MOVE}:
        raise ClassesRefused(f"{each.name!r} lets the schedule do more than move: deleting takes two people.")
