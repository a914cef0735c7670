"""The router's states: every value of every fact, the eras between dates, and what a person may have set or used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import product
from typing import Final

from compliance.policy.controls import OWN_BREAK
from compliance.policy.policy_set import PolicySet
from compliance.policy.types import Control, RequestFacts, SubjectFacts, Usage
from compliance.policy.vocabulary import FACTS
from compliance.subjects.values import FEED_MODES, SIGNALS

UNLISTED: Final = "?"
"""A value that no list has, where the router can meet one: every rule that asks for the fact applies."""
CAN_BE_UNLISTED: Final = frozenset({"tier", "assurance", "consent", "hours"})
"""The others are booleans, the size of the service, a surface that the door knows, or read as `unknown`."""
CHOSEN: Final = ("", *FEED_MODES, UNLISTED)
SIGNALS_OFF: Final = tuple(
    tuple(signal for place, signal in enumerate(SIGNALS) if bits >> place & 1) for bits in range(1 << len(SIGNALS))
)
BESIDE: Final = (-1, 0, 1)
"""Just below a limit, at it, and just above."""


@dataclass(frozen=True, kw_only=True)
class Used:
    """Where somebody stands beside their limits, and whether they set stricter ones of their own."""

    day: int
    session: int
    rest: int
    own_day: bool
    own_session: bool
    asleep: bool  # in their own hours of sleep


USED: Final = tuple(
    Used(day=day, session=session, rest=rest, own_day=own_day, own_session=own_session, asleep=asleep)
    for day, session, rest in product(BESIDE, repeat=3)
    for own_day, own_session, asleep in product((False, True), repeat=3)
)
NOTHING: Final = Used(day=-1, session=-1, rest=-1, own_day=False, own_session=False, asleep=False)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The minutes that rules decided in a state: what `Used` is relative to."""

    daily: int = 1440
    session: int = 1440
    rest: int = 0


@dataclass(frozen=True, kw_only=True)
class State:
    """One state of the router."""

    facts: tuple[tuple[str, str], ...]
    day: date
    chosen: str = ""
    signals_off: tuple[str, ...] = ()
    used: Used = NOTHING
    limits: Limits = Limits()

    def inputs(self) -> tuple[SubjectFacts, RequestFacts]:
        """What the router is given in this state."""
        said = dict(self.facts)
        subject = SubjectFacts(
            tier=said["tier"],
            assurance=said["assurance"],
            jurisdiction=said["jurisdiction"],
            consent=said["consent"],
            parental_consent=said["parental_consent"] == "yes",
            chosen_mode=self.chosen,
            controls=tuple(self._controls(said["paused"] == "yes")),
            usage=self._usage(),
            guarded=said["guarded"] == "yes",
        )
        request = RequestFacts(
            surface=said["surface"],
            slate_size=12,
            ranker_live=said["ranker"] == "live",
            day=self.day,
            hours=said["hours"],
            school_day=said["school_day"] == "yes",
        )
        return subject, request

    def words(self) -> dict[str, str]:
        """The state for people: a witness."""
        found = {**dict(self.facts), "day": self.day.isoformat()}
        if self.chosen:
            found["chosen"] = self.chosen
        if self.signals_off:
            found["signals_off"] = ", ".join(self.signals_off)
        if self.used != NOTHING:
            found["used"] = str(self._usage())
        return found

    def _controls(self, paused: bool) -> Iterator[Control]:
        if paused:
            yield Control(kind="pause", target="", value="on")
        yield from (Control(kind="signal", target=signal, value="off") for signal in self.signals_off)
        if self.used.own_day:
            yield Control(kind="limit", target="daily_minutes", value=str(_stricter(self.limits.daily)))
        if self.used.own_session:
            yield Control(kind="limit", target="session_minutes", value=str(_stricter(self.limits.session)))

    def _usage(self) -> Usage:
        daily, session = self.limits.daily, self.limits.session
        daily = _stricter(daily) if self.used.own_day else daily
        session = _stricter(session) if self.used.own_session else session
        rest = max(self.limits.rest, OWN_BREAK) if self.used.own_session else self.limits.rest
        return Usage(
            day_minutes=max(0, daily + self.used.day),
            session_minutes=max(0, session + self.used.session),
            break_minutes=max(0, rest + self.used.rest),
            asleep=self.used.asleep,
        )


def values_of(fact: str, policies: PolicySet) -> tuple[str, ...]:
    """Every value of a fact that the router can meet with a policy set."""
    if fact == "size":
        return (policies.size,)
    return (*FACTS[fact], UNLISTED) if fact in CAN_BE_UNLISTED else FACTS[fact]


def eras_of(days: set[date]) -> tuple[date, ...]:
    """The first day of each era between dates; of the one before all, the day before the first."""
    ordered = sorted(days)
    return (ordered[0] - timedelta(days=1), *ordered) if ordered else (date(2026, 1, 1),)


def with_facts(state: State, **changed: str) -> State:
    """A state that differs in some facts only."""
    return replace(state, facts=tuple((fact, changed.get(fact, value)) for fact, value in state.facts))


def _stricter(minutes: int) -> int:
    return max(1, minutes - 1)
