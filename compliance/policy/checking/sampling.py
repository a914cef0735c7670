"""Random states of the router, whole: does the plan of a state equal the plan of the class that stands for it?"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from compliance.policy.checking.check import DATES, PARTS, Part, classes_of, rules_of, values_key
from compliance.policy.checking.classes import Class, Space, Values, space_of
from compliance.policy.checking.states import CHOSEN, SIGNALS_OFF, USED, Limits, State, values_of
from compliance.policy.controls import NONE
from compliance.policy.policy_set import PolicySet
from compliance.policy.router import facts_of, merged, plan
from compliance.policy.vocabulary import FACTS

Key = tuple[Any, Values]


def disagreements(policies: PolicySet, *, seed: int, count: int) -> Iterator[str]:
    """Compare so many random states with their classes, field by field; say where they differ."""
    drawn = random.Random(seed)  # noqa: S311 - a sample that can be drawn again, no secret
    space = space_of(policies, DATES)
    classes = {part.name: _by_key(space, part) for part in PARTS}
    for _ in range(count):
        state = _random_state(space, drawn)
        whole = plan(policies, *state.inputs())
        for part in PARTS:
            one = classes[part.name].get(_key(policies, part, state))
            if one is None:
                yield f"{part.name}: no class holds {state.words()}"
                continue
            alike = plan(policies, *_in_class(part, one, state).inputs())
            for field in part.fields:
                if getattr(whole, field) != getattr(alike, field):
                    yield f"{field}: {getattr(whole, field)} in {state.words()}, {getattr(alike, field)} in its class"


def _by_key(space: Space, part: Part) -> dict[Key, Class]:
    found = classes_of(space, part)
    if part.by_values:
        return {(values_key(space.policies, part, one.mask), one.kept): one for one in found}
    return {(one.mask, one.kept): one for one in found}


def _key(policies: PolicySet, part: Part, state: State) -> Key:
    """The class of a state, from the rules that the router itself finds applying."""
    mask = _mask(policies, state) & rules_of(policies, part.effects)
    kept = tuple(value for fact, value in state.facts if fact in part.kept)
    return (values_key(policies, part, mask) if part.by_values else mask), kept


def _mask(policies: PolicySet, state: State) -> int:
    subject, request = state.inputs()
    paused = replace(NONE, paused=dict(state.facts)["paused"] == "yes")
    return policies.compiled.applying(facts_of(policies, subject, request, paused), request.day)


def _in_class(part: Part, one: Class, state: State) -> State:
    """A class's witness with what the state says of the things that the part depends on."""
    witness = one.witness
    if len(part.chosen) > 1:
        witness = replace(witness, chosen=state.chosen)
    if len(part.signals) > 1:
        witness = replace(witness, signals_off=state.signals_off)
    if len(part.used) > 1:
        witness = replace(witness, used=state.used, limits=state.limits)
    return witness


def _random_state(space: Space, drawn: random.Random) -> State:
    facts = tuple((fact, drawn.choice(values_of(fact, space.policies))) for fact in FACTS)
    state = State(
        facts=facts,
        day=drawn.choice(space.eras),
        chosen=drawn.choice(CHOSEN),
        signals_off=drawn.choice(SIGNALS_OFF),
        used=drawn.choice(USED),
    )
    values = merged(space.policies.compiled, _mask(space.policies, state)).values
    limits = Limits(daily=values["daily_minutes"], session=values["session_minutes"], rest=values["break_minutes"])
    return replace(state, limits=limits)
