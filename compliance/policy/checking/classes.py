"""Every state of the router in classes that it cannot tell apart, without walking through single states.

Which rules apply is one AND for each fact. So the masks are carried from fact to fact, each with the number of states
that lead to it and one of them: all states are covered, and the numbers multiply exactly.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from compliance.policy.checking.states import State, eras_of, values_of
from compliance.policy.policy_set import PolicySet
from compliance.policy.vocabulary import FACTS

Values = tuple[str, ...]
Layer = dict[tuple[int, Values], tuple[int, Values]]
"""Mask and what is kept apart -> number of states, and one of them."""
ANY: Final = "any"
"""The value of a fact that was left open."""


@dataclass(frozen=True, kw_only=True)
class Where:
    """A condition on states: for each fact named the values that meet it, from a day on."""

    facts: tuple[tuple[str, Values], ...] = ()
    since: date = date.min

    def holds(self, fact: str, value: str) -> bool:
        """Whether a value does not keep the condition from holding."""
        return all(value in values for named, values in self.facts if named == fact)

    def meets(self, state: State) -> bool:
        """Whether a state meets the condition."""
        return self.since <= state.day and all(self.holds(fact, value) for fact, value in state.facts)


def where(since: date = date.min, **facts: Values) -> Where:
    """A condition."""
    return Where(facts=tuple(facts.items()), since=since)


@dataclass(frozen=True, kw_only=True)
class Class:
    """States that look the same: how many, and one of them."""

    mask: int
    met: tuple[bool, ...]  # of the conditions asked about, in their order
    kept: Values  # the values of the facts that were kept apart
    count: int
    witness: State


@dataclass(frozen=True, kw_only=True)
class Space:
    """The states of one policy set: its facts, and the eras between its dates and those of the conditions."""

    policies: PolicySet
    eras: tuple[date, ...]

    @property
    def size(self) -> int:
        """How many states there are, before what a person chose, switched off or used."""
        count = len(self.eras)
        for fact in FACTS:
            count *= len(values_of(fact, self.policies))
        return count

    def classes(
        self, rules: int, wheres: tuple[Where, ...] = (), *, kept: Values = (), without: str = ""
    ) -> list[Class]:
        """The states by which of `rules` apply (a mask), which conditions they meet, and the facts `kept` apart.

        `without`: a fact that is left open, so that its values can be compared within each class.
        """
        layer: Layer = {(((1 << len(wheres)) - 1) << self._width | rules, ()): (1, ())}
        layer = _step(layer, [(self._of_era(era, wheres), era.isoformat()) for era in self.eras], kept=False)
        for fact in FACTS:
            values = [(-1, ANY)] if fact == without else self._of_fact(fact, wheres)
            layer = _step(layer, values, kept=fact in kept)
        return [self._class(key, count, said, len(wheres)) for key, (count, said) in layer.items()]

    @property
    def _width(self) -> int:
        return len(self.policies.compiled.rules)

    def mask_of(self, fact: str, value: str) -> int:
        """The rules that a value does not keep from applying."""
        compiled = self.policies.compiled
        return compiled.of_fact[fact].get(value, compiled.of_any[fact])

    def _of_fact(self, fact: str, wheres: tuple[Where, ...]) -> list[tuple[int, str]]:
        return [(self._of_value(fact, value, wheres), value) for value in values_of(fact, self.policies)]

    def _of_value(self, fact: str, value: str, wheres: tuple[Where, ...]) -> int:
        return self.mask_of(fact, value) | _bits([one.holds(fact, value) for one in wheres]) << self._width

    def _of_era(self, era: date, wheres: tuple[Where, ...]) -> int:
        return self.policies.compiled.on(era) | _bits([one.since <= era for one in wheres]) << self._width

    def _class(self, key: tuple[int, Values], count: int, said: Values, conditions: int) -> Class:
        mask, kept = key
        met = mask >> self._width
        return Class(
            mask=mask & ((1 << self._width) - 1),
            met=tuple(bool(met >> place & 1) for place in range(conditions)),
            kept=kept,
            count=count,
            witness=State(facts=tuple(zip(FACTS, said[1:], strict=True)), day=date.fromisoformat(said[0])),
        )


def space_of(policies: PolicySet, days: Iterable[date]) -> Space:
    """The states of a policy set. `days`: on which conditions begin, besides the days of its rules."""
    return Space(policies=policies, eras=eras_of({*policies.compiled.days, *days}))


def _step(layer: Layer, values: list[tuple[int, str]], *, kept: bool) -> Layer:
    """Take one more fact into account. Values that do the same are taken together unless they are kept apart."""
    alike: dict[tuple[int, str], tuple[int, str]] = {}
    for bits, value in values:
        key = (bits, value if kept else "")
        many, name = alike.get(key, (0, value))
        alike[key] = (many + 1, name)
    found: Layer = {}
    for (mask, apart), (count, said) in layer.items():
        for (bits, _), (many, value) in alike.items():
            after = (mask & bits, (*apart, value) if kept else apart)
            before, first = found.get(after, (0, (*said, value)))
            found[after] = (before + count * many, first)
    return found


def _bits(flags: list[bool]) -> int:
    return sum(1 << place for place, flag in enumerate(flags) if flag)
