"""Prove the invariants over every state of a policy set's router, with a witness for each one that is broken.

The plan is made by the router itself, once for each class of states that it cannot tell apart. What a person chose,
switched off and used is looked at where it matters: `PARTS` says which fields of the plan depend on what, and a test
compares that with the router on random states.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import product
from typing import Any, Final

from compliance.policy.checking.classes import Class, Space, Values, Where, space_of
from compliance.policy.checking.comparing import weaker
from compliance.policy.checking.invariants import OF_LIMITS, OF_ORDER, OF_THE_REST, TOTAL, UNKNOWN, Invariant
from compliance.policy.checking.states import CHOSEN, NOTHING, SIGNALS_OFF, USED, Limits, State, Used
from compliance.policy.policy_set import PolicySet
from compliance.policy.router import NoOrder, merged, plan
from compliance.policy.types import Plan
from compliance.policy.vocabulary import EFFECTS

BEYOND_FACTS: Final = len(CHOSEN) * len(SIGNALS_OFF) * len(USED)
ORDER: Final = (
    "forbid_modes",
    "default_mode",
    "forbid_features",
    "forbid_sources",
    "objective",
    "zero_weights",
    "explore_probability",
    "max_topic_share",
    "max_creator_share",
    "min_topics",
    "new_creator_share",
)
LIMITS: Final = ("daily_minutes", "session_minutes", "break_minutes", "close")


@dataclass(frozen=True, kw_only=True)
class Part:
    """Fields of the plan that depend on the same things, and what must hold of them."""

    name: str
    effects: Values
    fields: Values
    invariants: tuple[Invariant, ...]
    kept: Values = ()
    chosen: Values = ("",)
    signals: tuple[Values, ...] = ((),)
    used: tuple[Used, ...] = (NOTHING,)
    by_values: bool = False  # classes are what the rules decide together, whichever rules they are


OF_MODES: Final = (
    "feed_mode",
    "offered_modes",
    "order",
    "objective",
    "weights",
    "diversity",
    "explore_probability",
    "explore_pool",
    "max_topic_share",
    "max_creator_share",
    "min_topics",
    "new_creator_share",
)
OF_SIGNALS: Final = ("features", "sources")
OF_USE: Final = ("daily_minutes", "session_minutes", "break_minutes", "closed")
OF_RULES: Final = (
    "audiences",
    "label_confidence",
    "max_promoted_share",
    "essential_places",
    "ads",
    "ui",
    "push",
    "push_per_day",
    "logging",
    "survey",
    "hidden_from_guardian",
)
PARTS: Final = (
    Part(name="order", effects=ORDER, fields=OF_MODES, invariants=OF_ORDER, kept=("surface",), chosen=CHOSEN),
    Part(
        name="signals",
        effects=ORDER,
        fields=OF_SIGNALS,
        invariants=OF_ORDER,
        kept=("surface",),
        chosen=CHOSEN,
        signals=SIGNALS_OFF,
        by_values=True,
    ),
    Part(name="limits", effects=LIMITS, fields=OF_USE, invariants=OF_LIMITS, used=USED),
    Part(name="rules", effects=tuple(EFFECTS), fields=OF_RULES, invariants=OF_THE_REST),
)
DATES: Final = frozenset(
    one.since for part in PARTS for each in part.invariants for one in each.wheres if one.since > date.min
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """An invariant that is broken: in how many states, and one of them."""

    invariant: str
    row: str
    law: str
    words: str
    seen: str
    states: int
    witness: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What looking at every state of one policy set found."""

    size: str
    policy_sha256: str
    states: int
    classes: int
    plans: int
    seconds: float
    findings: tuple[Finding, ...]


def check(policies: PolicySet, *, only: str = "") -> Checked:
    """Look at every state of the router with a policy set. `only`: for one invariant, by its id."""
    began = time.perf_counter()
    space = space_of(policies, DATES)
    tally = _Tally()
    parts = tuple(_of_one(part, only) for part in PARTS) if only else PARTS
    for part in parts:
        if part.invariants or only == TOTAL.id:
            _check_part(space, part, tally)
    for less in weaker(space) if only in ("", UNKNOWN.id) else ():
        tally.add(UNKNOWN, less.seen, less.count * BEYOND_FACTS, less.state)
    return Checked(
        size=policies.size,
        policy_sha256=policies.sha256,
        states=space.size * BEYOND_FACTS,
        classes=tally.classes,
        plans=tally.plans,
        seconds=time.perf_counter() - began,
        findings=tuple(tally.findings.values()),
    )


@dataclass
class _Tally:
    """What was looked at, and what was found."""

    classes: int = 0
    plans: int = 0
    findings: dict[tuple[str, str], Finding] = field(default_factory=dict)

    def add(self, broken: Invariant, seen: str, states: int, state: State) -> None:
        """Note a broken invariant; the first state in which it looks like this is its witness."""
        known = self.findings.get((broken.id, seen))
        self.findings[broken.id, seen] = Finding(
            invariant=broken.id,
            row=broken.row,
            law=broken.law,
            words=broken.words,
            seen=seen,
            states=states if known is None else known.states + states,
            witness=state.words() if known is None else known.witness,
        )


def _of_one(part: Part, invariant: str) -> Part:
    return replace(part, invariants=tuple(one for one in part.invariants if one.id == invariant))


def _check_part(space: Space, part: Part, tally: _Tally) -> None:
    wheres = tuple(one for each in part.invariants for one in each.wheres)
    each_stands_for = BEYOND_FACTS // (len(part.chosen) * len(part.signals) * len(part.used))
    for one in classes_of(space, part, wheres):
        tally.classes += 1
        binding = _binding(part, one)
        for state in states_of(space.policies, part, one):
            tally.plans += 1
            found, broken = _plan(space.policies, state)
            if found is None:
                tally.add(TOTAL, broken, one.count * each_stands_for, state)
                continue
            for each in binding:
                for seen in each.broken(space.policies, state, found):
                    tally.add(each, seen, one.count * each_stands_for, state)


def _binding(part: Part, one: Class) -> list[Invariant]:
    """The invariants that bind the states of a class."""
    met = iter(one.met)
    flags = [[next(met) for _ in each.wheres] for each in part.invariants]
    return [each for each, mine in zip(part.invariants, flags, strict=True) if not mine or any(mine)]


def _plan(policies: PolicySet, state: State) -> tuple[Plan | None, str]:
    subject, request = state.inputs()
    try:
        return plan(policies, subject, request), ""
    except NoOrder as error:
        return None, str(error)


def rules_of(policies: PolicySet, effects: Values) -> int:
    """The mask of the rules that have one of some effects."""
    named = set(effects)
    return sum(1 << place for place, rule in enumerate(policies.compiled.rules) if named & set(rule.effects))


def classes_of(space: Space, part: Part, wheres: tuple[Where, ...] = ()) -> list[Class]:
    """The states that a part of the plan cannot tell apart."""
    found = space.classes(rules_of(space.policies, part.effects), wheres, kept=part.kept)
    if not part.by_values:
        return found
    alike: dict[tuple[Any, ...], Class] = {}
    for one in found:
        key = (values_key(space.policies, part, one.mask), one.met, one.kept)
        known = alike.get(key)
        alike[key] = one if known is None else replace(known, count=known.count + one.count)
    return list(alike.values())


def values_key(policies: PolicySet, part: Part, mask: int) -> tuple[Any, ...]:
    """What rules decide together of the effects of a part."""
    values = merged(policies.compiled, mask).values
    return tuple(values[name] for name in part.effects)


def states_of(policies: PolicySet, part: Part, one: Class) -> Iterator[State]:
    """A class's witness with everything that a person may have chosen, switched off and used."""
    values = merged(policies.compiled, one.mask).values
    limits = Limits()
    if part.used != (NOTHING,):
        limits = Limits(daily=values["daily_minutes"], session=values["session_minutes"], rest=values["break_minutes"])
    for chosen, signals_off, used in product(part.chosen, part.signals, part.used):
        yield replace(one.witness, chosen=chosen, signals_off=signals_off, used=used, limits=limits)
