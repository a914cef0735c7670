"""Strictest wins: the rules that apply in a state, as one decision for each field, with who decided and who yielded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from compliance.policy.compiled import MIXED, Compiled, Entry
from compliance.policy.types import Reason
from compliance.policy.vocabulary import EFFECTS, Effect

REMEMBERED: Final = 16_384
"""How many decisions of single effects a process remembers; what ships has a few hundred."""


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What the rules decide together. `values` holds every effect."""

    values: dict[str, Any]
    reasons: tuple[Reason, ...]  # all but that of the default order, which matters only where it is served
    default: Reason | None  # why the default order is what it is


def merge(compiled: Compiled, mask: int) -> Merged:
    """Merge the rules of a mask. Every effect gets a value, and every value that a rule decided a reason."""
    values: dict[str, Any] = {}
    reasons: list[Reason] = []
    default: Reason | None = None
    for name, mine in compiled.of_effect.items():
        values[name], said = decided(compiled, name, mask & mine)
        if name == "default_mode":
            default = said[0] if said else None
        else:
            reasons += said
    return Merged(values=values, reasons=tuple(reasons), default=default)


@lru_cache(maxsize=REMEMBERED)
def decided(compiled: Compiled, name: str, mask: int) -> tuple[Any, tuple[Reason, ...]]:
    """What those of an effect's rules that apply decide, and why. Remembered: there are few such masks."""
    effect = EFFECTS[name]
    said = [entry for entry in compiled.fields[name] if mask & entry.bit]
    if effect.combine in MIXED:
        return _mixed(effect, said), tuple(reason for entry in said for reason in entry.reasons)
    if not said:
        return None, ()
    strictest, *others = said
    overrode = tuple(entry.rule for entry in others if entry.value != strictest.value)
    return strictest.value, (replace(strictest.reasons[0], overrode=overrode),) if overrode else strictest.reasons


def _mixed(effect: Effect, said: list[Entry]) -> tuple[str, ...]:
    if effect.combine == "union":
        named = {one for entry in said for one in entry.value}
        return tuple(one for one in effect.values if one in named)
    return tuple(one for one in effect.values if all(one in entry.value for entry in said))


def forget() -> None:
    """Forget every decision, so that the next one is made from the rules: to measure how long that takes."""
    decided.cache_clear()
