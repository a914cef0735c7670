"""Strictest wins: the rules that apply in a state, as one decision for each field, with who decided and who yielded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from compliance.policy.compiled import Compiled
from compliance.policy.types import Reason
from compliance.policy.vocabulary import EFFECTS

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
    said = [(value, number) for bit, value, number in compiled.fields[name] if mask & bit]
    if effect.combine == "union":
        named = {one for value, _ in said for one in value}
        return tuple(one for one in effect.values if one in named), _of_union(compiled, effect.field or name, said)
    if effect.combine == "meet":
        together = tuple(one for one in effect.values if all(one in value for value, _ in said))
        return together, tuple(_reason(compiled, name, number, ()) for _, number in said)
    return (said[0][0] if said else None), _of_strictest(compiled, name, said)


def forget() -> None:
    """Forget every decision, so that the next one is made from the rules: to measure how long that takes."""
    decided.cache_clear()


def _of_union(compiled: Compiled, field: str, said: list[tuple[Any, int]]) -> tuple[Reason, ...]:
    """One reason for each rule and thing that it names: two laws may forbid the same."""
    return tuple(_reason(compiled, f"{field}.{one}", number, ()) for value, number in said for one in value)


def _of_strictest(compiled: Compiled, name: str, said: list[tuple[Any, int]]) -> tuple[Reason, ...]:
    if not said:
        return ()
    value, number = said[0]
    overrode = tuple(compiled.rules[other].id for v, other in said[1:] if v != value)
    return (_reason(compiled, name, number, overrode),)


def _reason(compiled: Compiled, field: str, number: int, overrode: tuple[str, ...]) -> Reason:
    rule = compiled.rules[number]
    return Reason(field=field, rule=rule.id, law=rule.law, words=rule.words, overrode=overrode)
