"""What a person set for themselves, as bounded changes to a plan (DSA Art. 27(3); M2, M4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from compliance.policy.types import Adjustment, Control, Reason
from compliance.subjects.values import OBJECTIVES

LAW: Final = "DSA Art. 27(3); your own control"
FEATURES_OF: Final = {
    "watch_time": ("history.watch_time",),
    "likes": ("history.likes",),
    "follows": ("follows",),
    "location": ("location",),
    "device": ("device",),
}
"""What is not read once a signal is switched off."""
SOURCES_OF: Final = {"follows": ("following", "topics")}
WORDS: Final = {
    "control.signal": "You switched this signal off.",
    "control.topic": "You asked for this about a topic.",
    "control.creator": "You asked for this about a creator.",
    "control.keyword": "You muted this word.",
    "control.objective": "You gave this objective a weight.",
    "control.limit": "This limit of time was set for you, by yourself or by a guardian.",
}
"""What is said of each kind of control."""
OWN_BREAK: Final = 10
"""Minutes of the break after a session that a person, or their guardian, limited themselves."""
LEVELS: Final = 3
"""An own objective has a level from 1 to 3; 3 is the most that a control may weigh."""


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """Everything that controls say, ready for the router."""

    paused: bool = False
    features_off: frozenset[str] = frozenset()
    sources_off: frozenset[str] = frozenset()
    adjustments: tuple[Adjustment, ...] = ()
    muted_topics: tuple[str, ...] = ()
    muted_creators: tuple[int, ...] = ()
    muted_keywords: tuple[str, ...] = ()
    daily_minutes: int | None = None
    session_minutes: int | None = None
    reasons: tuple[Reason, ...] = ()

    def limited(self, daily: int, session: int, pause: int) -> tuple[int, int, int, list[Reason]]:
        """The stricter of the rules' minutes (of a day, a session, a break) and the person's or guardian's own."""
        reasons = []
        if self.daily_minutes is not None and self.daily_minutes < daily:
            daily = self.daily_minutes
            reasons.append(_reason("daily_minutes", "limit"))
        if self.session_minutes is not None and self.session_minutes < session:
            session = self.session_minutes
            reasons.append(_reason("session_minutes", "limit"))
            if pause < OWN_BREAK:  # a session that no break follows would be no limit
                pause = OWN_BREAK
                reasons.append(_reason("break_minutes", "limit"))
        return daily, session, pause, reasons


NONE: Final = Wishes()


def wishes_of(controls: tuple[Control, ...], *, most_milli: int) -> Wishes:
    """Read controls. `most_milli` is the most that one may add to a score, in thousandths."""
    if not controls:
        return NONE
    signals = sorted({one.target for one in controls if one.kind == "signal" and one.value == "off"})
    stances = [one for one in controls if one.kind in ("topic", "creator")]
    muted = [one for one in stances if one.value == "mute"]
    return Wishes(
        paused=any(one.kind == "pause" and one.value == "on" for one in controls),
        features_off=frozenset(feature for signal in signals for feature in FEATURES_OF[signal]),
        sources_off=frozenset(source for signal in signals for source in SOURCES_OF.get(signal, ())),
        adjustments=tuple(_adjustments(controls, most_milli)),
        muted_topics=tuple(sorted({one.target for one in muted if one.kind == "topic"})),
        muted_creators=tuple(sorted({int(one.target) for one in muted if one.kind == "creator"})),
        muted_keywords=tuple(sorted({one.target for one in controls if one.kind == "keyword"})),
        daily_minutes=_least(controls, "daily_minutes"),
        session_minutes=_least(controls, "session_minutes"),
        reasons=tuple(_reasons(controls)),
    )


def sleep_hours(controls: Iterable[Control]) -> tuple[tuple[int, int], ...]:
    """The windows of hours in which a person, or their guardian, wants nothing served: "22-07" is (22, 7)."""
    said = (one.value.split("-") for one in controls if one.kind == "limit" and one.target == "sleep")
    return tuple((int(begins), int(ends)) for begins, ends in said)


def asleep_reason() -> Reason:
    """Why nothing is served in one's own hours of sleep."""
    return _reason("closed.asleep", "limit")


def _adjustments(controls: Iterable[Control], most: int) -> Iterable[Adjustment]:
    for one in controls:
        if one.kind in ("topic", "creator") and one.value in ("more", "less"):
            milli = most if one.value == "more" else -most
            yield Adjustment(kind=one.kind, target=one.target, milli=milli)
        if one.kind == "objective" and one.target in OBJECTIVES:
            milli = most * min(int(one.value), LEVELS) // LEVELS
            yield Adjustment(kind="objective", target=one.target, milli=milli)


def _least(controls: Iterable[Control], target: str) -> int | None:
    return min((int(one.value) for one in controls if one.kind == "limit" and one.target == target), default=None)


def _reasons(controls: Iterable[Control]) -> Iterable[Reason]:
    for one in controls:
        if one.kind == "signal" and one.value == "off":
            for feature in FEATURES_OF[one.target]:
                yield _reason(f"features.{feature}", "signal")
        elif one.kind in ("topic", "creator", "keyword"):
            field = f"muted_{one.kind}s" if one.value == "mute" else "adjustments"
            yield _reason(f"{field}.{one.target}", one.kind)
        elif one.kind == "objective":
            yield _reason(f"adjustments.{one.target}", "objective")


def _reason(field: str, kind: str) -> Reason:
    rule = f"control.{kind}"
    return Reason(field=field, rule=rule, law=LAW, words=WORDS[rule])
