"""Strictest wins: the rules that apply in a state, as one decision for each field, with who decided and who yielded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from compliance.policy.compiled import Compiled
from compliance.policy.types import Reason
from compliance.policy.vocabulary import EFFECTS


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What the rules decide together. `values` holds every effect."""

    values: dict[str, Any]
    reasons: tuple[Reason, ...]


def merge(compiled: Compiled, mask: int) -> Merged:
    """Merge the rules of a mask. Every effect gets a value, and every value that a rule decided a reason."""
    values: dict[str, Any] = {}
    reasons: list[Reason] = []
    for name, entries in compiled.fields.items():
        effect = EFFECTS[name]
        said = [(value, number) for bit, value, number in entries if mask & bit]
        if effect.combine == "union":
            named = [one for value, _ in said for one in value]
            values[name] = tuple(one for one in effect.values if one in named)
            reasons += _of_union(compiled, name, said)
        elif effect.combine == "meet":
            values[name] = tuple(one for one in effect.values if all(one in value for value, _ in said))
            reasons += [_reason(compiled, name, number, ()) for _, number in said]
        else:
            values[name] = said[0][0] if said else None
            reasons += _of_strictest(compiled, name, said)
    return Merged(values=values, reasons=tuple(reasons))


def _of_union(compiled: Compiled, name: str, said: list[tuple[Any, int]]) -> list[Reason]:
    """One reason for each rule and thing that it names: two laws may forbid the same."""
    field = EFFECTS[name].field or name
    return [_reason(compiled, f"{field}.{one}", number, ()) for value, number in said for one in value]


def _of_strictest(compiled: Compiled, name: str, said: list[tuple[Any, int]]) -> list[Reason]:
    if not said:
        return []
    value, number = said[0]
    return [_reason(compiled, name, number, tuple(compiled.rules[other].id for v, other in said[1:] if v != value))]


def _reason(compiled: Compiled, field: str, number: int, overrode: tuple[str, ...]) -> Reason:
    rule = compiled.rules[number]
    return Reason(field=field, rule=rule.id, law=rule.law, words=rule.words, overrode=overrode)
