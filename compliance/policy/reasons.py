"""Reasons as a record keeps them: which rule decided what. Law and words stand in the policy set that it names."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from compliance.policy import controls
from compliance.policy.policy_set import PolicySet
from compliance.policy.router import CHOICE, CHOICE_LAW, CHOICE_WORDS
from compliance.policy.types import Reason


def short(reasons: tuple[Reason, ...]) -> list[list[Any]]:
    """[field, rule, [rules that it overrode]] of each."""
    return [[reason.field, reason.rule, list(reason.overrode)] for reason in reasons]


def whole(said: list[list[Any]], policies: PolicySet) -> tuple[Reason, ...]:
    """Reasons with law and words, from their short form. Raises KeyError for a rule that is not in the set."""
    return tuple(
        Reason(field=field, rule=rule, law=law, words=words, overrode=tuple(overrode))
        for field, rule, overrode in said
        for law, words in [_spoken(policies, rule)]
    )


def _spoken(policies: PolicySet, rule: str) -> tuple[str, str]:
    if rule == CHOICE:
        return CHOICE_LAW, CHOICE_WORDS
    if rule in controls.WORDS:
        return controls.LAW, controls.WORDS[rule]
    return _laws(policies)[rule]


@lru_cache(maxsize=8)
def _laws(policies: PolicySet) -> dict[str, tuple[str, str]]:
    return {rule.id: (rule.law, rule.words) for pack in policies.packs for rule in pack.rules}
