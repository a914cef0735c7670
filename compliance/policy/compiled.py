"""Rules as bit masks: which apply in a state is one AND for each fact, and which decides a field one look-up.

Bit n stands for rule n. The rules of a field are kept strictest first, so that the first that applies decides.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from typing import Any

from compliance.policy.pack import Pack, Rule, holds_on
from compliance.policy.types import Reason
from compliance.policy.vocabulary import EFFECTS, FACTS, Effect

MIXED = ("union", "meet")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What one rule says of one effect."""

    bit: int
    value: Any
    rule: str
    reasons: tuple[Reason, ...]  # as the plan gives them where nothing is overridden


@dataclass(frozen=True, kw_only=True, eq=False)  # each is itself alone: what is remembered of it is looked up by it
class Compiled:
    """The rules that are in force at some time, ready to be looked up."""

    rules: tuple[Rule, ...]
    of_fact: dict[str, dict[str, int]]  # fact -> value -> the rules that this value does not keep from applying
    of_any: dict[str, int]  # fact -> the rules that apply whatever it is, or that ask for it: for unknown values
    days: tuple[date, ...]  # on which rules begin or end
    of_days: tuple[int, ...]  # the rules in force before the first day, from it on, …
    fields: dict[str, tuple[Entry, ...]]  # effect -> what rules say of it, strictest first
    of_effect: dict[str, int]  # effect -> the rules that have it

    def on(self, day: date) -> int:
        """The mask of the rules that are in force on a day."""
        return self.of_days[bisect_right(self.days, day)]

    def applying(self, facts: dict[str, str], day: date) -> int:
        """The mask of the rules that apply."""
        mask = self.on(day)
        for fact, values in self.of_fact.items():
            mask &= values.get(facts[fact], self.of_any[fact])
        return mask


def compile_rules(packs: tuple[Pack, ...]) -> Compiled:
    """Compile what packs say is, was or will be in force. What is enjoined or pending decides nothing."""
    found = [(pack, rule) for pack in packs for rule in pack.rules if rule.status == "in_force"]
    rules = tuple(rule for _, rule in found)
    asked = [conditions(pack, rule) for pack, rule in found]
    days = tuple(sorted({day for rule in rules for day in (rule.starts, rule.ends) if day is not None}))
    return Compiled(
        rules=rules,
        of_fact={
            fact: {value: _mask(fact not in when or value in when[fact] for when in asked) for value in values}
            for fact, values in FACTS.items()
        },
        of_any={fact: _mask(True for _ in asked) for fact in FACTS},
        days=days,
        of_days=tuple(_mask(holds_on(day, rule.starts, rule.ends) for rule in rules) for day in (date.min, *days)),
        fields={name: _ordered(name, effect, rules) for name, effect in EFFECTS.items()},
        of_effect={name: _mask(name in rule.effects for rule in rules) for name in EFFECTS},
    )


def conditions(pack: Pack, rule: Rule) -> dict[str, tuple[str, ...]]:
    """What a rule asks for, its pack's jurisdictions included. Where nobody knows where somebody is, all packs hold."""
    if not pack.jurisdictions:
        return rule.when
    reach = rule.when.get("jurisdiction", pack.jurisdictions)
    return {**rule.when, "jurisdiction": (*(one for one in reach if one in pack.jurisdictions), "unknown")}


def strictness(effect: Effect, value: Any) -> float:
    """How strict a value of an effect is, among those that only one rule can decide."""
    if effect.combine == "ranked":
        return effect.values.index(value)
    return float(value) if effect.combine == "most" else -float(value)


def _ordered(name: str, effect: Effect, rules: tuple[Rule, ...]) -> tuple[Entry, ...]:
    entries = [_entry(name, effect, number, rule) for number, rule in enumerate(rules) if name in rule.effects]
    if effect.combine not in MIXED:
        entries.sort(key=lambda entry: -strictness(effect, entry.value))  # equally strict: as the packs stand
    return tuple(entries)


def _entry(name: str, effect: Effect, number: int, rule: Rule) -> Entry:
    """Of a union, each thing named has its reason: two laws may forbid the same."""
    value = rule.effects[name]
    fields = [f"{effect.field or name}.{one}" for one in value] if effect.combine == "union" else [name]
    reasons = (Reason(field=field, rule=rule.id, law=rule.law, words=rule.words) for field in fields)
    return Entry(bit=1 << number, value=value, rule=rule.id, reasons=tuple(reasons))


def _mask(bits: Any) -> int:
    return sum(1 << number for number, bit in enumerate(bits) if bit)
