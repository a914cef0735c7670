"""Whether what is unknown is treated at least as strictly as anything that could be known (D28; UK AADC 3, 1E 3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from compliance.policy.checking.classes import Space
from compliance.policy.checking.states import UNLISTED, State, values_of, with_facts
from compliance.policy.compiled import MIXED, strictness
from compliance.policy.merging import Merged
from compliance.policy.router import merged
from compliance.policy.vocabulary import EFFECTS

STRICTEST: Final = {"tier": ("unknown", UNLISTED), "jurisdiction": ("unknown",), "consent": (UNLISTED,)}
"""The values that stand for "not known"."""


@dataclass(frozen=True, kw_only=True)
class Weaker:
    """An unknown value that is treated less strictly than a known one."""

    fact: str
    field: str
    seen: str
    state: State
    count: int


def weaker(space: Space) -> Iterator[Weaker]:
    """Compare every field for every value of these facts, in every state of the others."""
    compiled = space.policies.compiled
    every = (1 << len(compiled.rules)) - 1
    for fact, unknowns in STRICTEST.items():
        for each in space.classes(every, without=fact):
            of_value = {
                value: merged(compiled, each.mask & space.mask_of(fact, value))
                for value in values_of(fact, space.policies)
            }
            for unknown in unknowns:
                for value, known in of_value.items():
                    for field, seen in _less(of_value[unknown], known):
                        yield Weaker(
                            fact=fact,
                            field=field,
                            seen=f"{field} is {seen} for {fact} {unknown!r}, and stricter for {value!r}",
                            state=with_facts(each.witness, **{fact: unknown}),
                            count=each.count,
                        )


def _less(one: Merged, than: Merged) -> Iterator[tuple[str, str]]:
    for name in EFFECTS:
        if one.values[name] != than.values[name] and not at_least(name, one.values[name], than.values[name]):
            yield name, str(one.values[name])


def at_least(name: str, one: Any, other: Any) -> bool:
    """Whether one value of an effect is as strict as another, or stricter."""
    effect = EFFECTS[name]
    if effect.combine in MIXED:
        narrow, wide = (set(other), set(one)) if effect.combine == "union" else (set(one), set(other))
        return narrow <= wide
    return strictness(effect, one) >= strictness(effect, other)
