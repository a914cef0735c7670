"""A policy pack: one readable file of rules that serve one law. What it holds, not how it is read (`reading.py`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from ranking.serving.types import Order

Status = Literal["in_force", "enjoined", "pending"]
STATUSES: Final = ("in_force", "enjoined", "pending")


class PackRefused(ValueError):
    """A pack breaks the form of packs; nothing of it is used."""


def holds_on(day: date, starts: date | None, ends: date | None) -> bool:
    """Whether a provision that starts and ends on these days, if on any, holds on a day."""
    return (starts is None or starts <= day) and (ends is None or day < ends)


@dataclass(frozen=True, kw_only=True)
class ModeSpec:
    """What one feed mode is made of before any rule restricts it."""

    order: Order
    sources: dict[str, tuple[str, ...]]  # by surface
    features: tuple[str, ...]
    diversity: float
    explore_probability: float
    explore_pool: int


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What one provision of a law decides where it applies. Empty `when` applies to everybody it reaches."""

    id: str  # PACK.NAME
    law: str  # the article
    row: str  # of the table of obligations in docs/law.md
    words: str  # for the person
    status: Status
    starts: date | None
    ends: date | None  # the first day on which it no longer holds
    when: dict[str, tuple[str, ...]]
    effects: dict[str, Any]  # name -> value, as `vocabulary.EFFECTS` says
    line: int  # where it stands in its file


@dataclass(frozen=True, kw_only=True)
class Pack:
    """One file: a law's rules. Only one pack of a set says what the feed modes are made of."""

    name: str
    title: str
    version: str
    jurisdictions: tuple[str, ...]  # empty: everywhere
    rules: tuple[Rule, ...]
    modes: dict[str, ModeSpec]
    objectives: dict[str, dict[str, float]]  # objective -> head -> weight
    slate_size: int  # the most items of a list; 0 where the pack does not say
    pool_size: int
    control_milli: int  # the most that one control of a person's own may add to a score, in thousandths
    text: str
