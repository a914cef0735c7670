"""What a control may say: closed kinds, known topics and creators, words that can be found in a title."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from compliance.subjects.values import OBJECTIVES, SIGNALS, STANCES
from ranking.catalogue.models import Creator, Item

MOST_OF_A_KIND: Final = 100
MOST_FOLLOWS: Final = 500
LEVELS: Final = ("1", "2", "3")
WORD: Final = re.compile(r"\w(?:[\w .'\u2019&-]*\w)?")
SHORTEST, LONGEST = 2, 40
NEVER_READ: Final = {
    "device": "No list here reads what device you use, so there is nothing to switch off.",
}
"""Signals that some service may read, and this one never does: a switch would do nothing, so there is none."""
SWITCHES: Final = tuple(signal for signal in SIGNALS if signal not in NEVER_READ)


class ControlRefused(ValueError):
    """A control that says nothing that a list could follow. Nothing was stored."""


@dataclass(frozen=True, kw_only=True)
class Stated:
    """One control, checked and in its stored form."""

    kind: str
    target: str
    value: str


def checked(*, service: str, kind: str, target: str, value: str) -> Stated:
    """One control in its stored form. Raises ControlRefused with what is wrong and what to say instead."""
    if kind not in _CHECKS:
        raise ControlRefused(f"There is no control {kind!r} of one's own: name one of {', '.join(_CHECKS)}.")
    return _CHECKS[kind](service, target, value)


def tidy_word(text: str) -> str:
    """A muted word as it is stored: composed, in small letters, with single spaces. Raises ControlRefused."""
    word = " ".join(unicodedata.normalize("NFC", text).lower().split())
    if not SHORTEST <= len(word) <= LONGEST or not WORD.fullmatch(word):
        raise ControlRefused(
            f"A muted word has {SHORTEST} to {LONGEST} letters or digits, with spaces, points, hyphens or apostrophes "
            "between them: choose another."
        )
    return word


def _topic(service: str, target: str, value: str) -> Stated:
    if not Item.objects.filter(service=service, topics__contains=[target]).exists():
        raise ControlRefused("No item here has this topic: choose one of those that the page lists.")
    return Stated(kind="topic", target=target, value=_one_of(value, STANCES))


def _creator(service: str, target: str, value: str) -> Stated:
    number = int(target) if re.fullmatch(r"[1-9][0-9]{0,17}", target) else 0
    if not Creator.objects.filter(service=service, id=number).exists():
        raise ControlRefused("There is no such creator here: choose one from an item's page.")
    return Stated(kind="creator", target=target, value=_one_of(value, STANCES))


def _keyword(service: str, target: str, value: str) -> Stated:
    return Stated(kind="keyword", target=tidy_word(target), value=_one_of(value, ("mute",)))


def _signal(service: str, target: str, value: str) -> Stated:
    if target in NEVER_READ:
        raise ControlRefused(NEVER_READ[target])
    return Stated(kind="signal", target=_one_of(target, SWITCHES), value=_one_of(value, ("off",)))


def _objective(service: str, target: str, value: str) -> Stated:
    return Stated(kind="objective", target=_one_of(target, OBJECTIVES), value=_one_of(value, LEVELS))


def _pause(service: str, target: str, value: str) -> Stated:
    if target:
        raise ControlRefused("A pause is of everything: name no target.")
    return Stated(kind="pause", target="", value=_one_of(value, ("on",)))


def _one_of(said: str, values: tuple[str, ...]) -> str:
    if said not in values:
        raise ControlRefused(f"This can be {', '.join(values)}, and nothing else: nothing was stored.")
    return said


_CHECKS: Final[dict[str, Callable[[str, str, str], Stated]]] = {
    "topic": _topic,
    "creator": _creator,
    "keyword": _keyword,
    "signal": _signal,
    "objective": _objective,
    "pause": _pause,
}
"""Controls of one's own. Limits of time have a room of their own (`compliance/limits`)."""
