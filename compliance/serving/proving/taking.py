"""What is taken away from what a request was decided by: one control, a hidden item, a choice, a fresh start."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from compliance.policy.types import SubjectFacts
from compliance.subjects.values import CONTROLS
from ranking.serving.types import Asker

ALONE: Final = ("pause", "feed_mode", "start_again")
"""What is named without a target."""
HIDE: Final = "hide"
KINDS: Final = (*(kind for kind in CONTROLS if kind not in ("limit", "pause")), HIDE)


class NothingTaken(ValueError):
    """A record does not hold what is to be taken away from it."""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """One thing that somebody set: its kind, and what it is about."""

    kind: str
    target: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.target}" if self.target else self.kind


def taken_of(text: str) -> Taken:
    """From `topic:Drama`, `hide:12` or `pause`. Raises NothingTaken."""
    kind, _, target = text.partition(":")
    if (kind in ALONE and not target) or (kind in KINDS and target):
        return Taken(kind=kind, target=target)
    raise NothingTaken(f"{text!r} names no control: write {', '.join(f'{one}:TARGET' for one in KINDS)}, or {ALONE}.")


def without(taken: Taken, facts: SubjectFacts, asker: Asker) -> tuple[SubjectFacts, Asker]:
    """The facts and the asker as they would be without it. Raises NothingTaken."""
    if taken.kind == "start_again":
        changed = facts, replace(asker, since_ms=None)
    elif taken.kind == "feed_mode":
        changed = replace(facts, chosen_mode=""), asker
    elif taken.kind == HIDE:
        left = tuple(item for item in facts.hidden_items if str(item) != taken.target)
        changed = replace(facts, hidden_items=left), asker
    else:
        kept = tuple(one for one in facts.controls if (one.kind, one.target) != (taken.kind, taken.target))
        changed = replace(facts, controls=kept), asker
    if changed == (facts, asker):
        raise NothingTaken(f"The list was not decided with {taken}, so there is nothing to take away from it.")
    return changed
