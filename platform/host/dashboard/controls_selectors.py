"""What the page of controls shows: each switch with every state it can have, and which one holds."""

from __future__ import annotations

from dataclasses import dataclass

from compliance.policy.facts import plan_for
from compliance.policy.types import Reason
from compliance.subjects.models import Subject, Surface
from compliance.subjects.offered import objectives_of, topics_of
from compliance.subjects.stated import OwnControl, creators_named, hidden_items, own_controls, own_follows
from compliance.subjects.stating import NEVER_READ, SWITCHES
from host.dashboard.controls_words import LEVEL_WORDS, OBJECTIVES, SIGNALS, STANCES, Said
from host.dashboard.selectors import showable
from host.dashboard.words import MODES, Wording
from ranking.catalogue.models import Creator, Follow, Item

HIDDEN_SHOWN = 50


@dataclass(frozen=True, kw_only=True)
class State:
    """One state of a switch, as a button. Pressing it sends `sends`: the state, or undoing it where it holds."""

    id: str
    label: str
    sends: str
    chosen: bool
    icon: str = ""
    refused: bool = False


@dataclass(frozen=True, kw_only=True)
class Row:
    """One thing that is controlled: its name, what is said about it, and its switch."""

    name: str
    sentence: str
    states: tuple[State, ...]
    by_guardian: str = ""  # what a guardian set about it
    refusals: tuple[tuple[Wording, Reason], ...] = ()


@dataclass(frozen=True, kw_only=True)
class ControlsPage:
    """Everything on the page."""

    orders: tuple[Row, ...]
    pause: Row
    topics: tuple[Row, ...]
    creators: tuple[Row, ...]
    words: tuple[Row, ...]
    signals: tuple[Row, ...]
    never_read: tuple[str, ...]
    objectives: tuple[Row, ...]
    unanswered: tuple[Said, ...]  # objectives that nothing in this catalogue answers
    hidden: tuple[tuple[Item, State], ...]
    hidden_more: int


def controls_page(*, subject: Subject) -> ControlsPage:
    """Gather every control of a person with its state."""
    held = own_controls(subject)
    own = {(one.kind, one.target): one.value for one in held if not one.by_guardian}
    guardians = {(one.kind, one.target): one.value for one in held if one.by_guardian}
    follows = own_follows(subject)
    followed = {one.topic for one in follows if one.topic}
    offered = objectives_of(subject.service)
    hidden = hidden_items(subject, shown=showable(subject=subject, surface=Surface.HOME))
    topics = sorted({*topics_of(subject.service), *followed, *_targets(held, "topic")})
    return ControlsPage(
        orders=tuple(_order(subject, surface) for surface in Surface),
        pause=Row(
            name="Pause personalisation",
            sentence="While paused, none of your lists follows what you did. Your choices stay as they are.",
            states=_switch("pause", "", own.get(("pause", ""), ""), {"": "Not paused", "on": "Paused"}),
        ),
        topics=tuple(
            Row(
                name=topic,
                sentence="",
                states=(
                    _toggle("follow_topic", topic, "on", topic in followed, "Follow", "Followed"),
                    *_stances("topic", topic, own),
                ),
                by_guardian=guardians.get(("topic", topic), ""),
            )
            for topic in topics
        ),
        creators=tuple(_creators(subject, held, own)),
        words=tuple(
            Row(name=word, sentence="", states=(_undo("keyword", word, "Unmute"),))
            for word in _targets(held, "keyword")
        ),
        signals=tuple(
            Row(
                name=SIGNALS[name].label,
                sentence=SIGNALS[name].sentence,
                states=_switch("signal", name, own.get(("signal", name), ""), {"": "Used", "off": "Not used"}),
            )
            for name in SWITCHES
        ),
        never_read=tuple(NEVER_READ.values()),
        objectives=tuple(
            Row(
                name=OBJECTIVES[name].label,
                sentence=OBJECTIVES[name].sentence,
                states=_switch(
                    "objective",
                    name,
                    own.get(("objective", name), ""),
                    {"" if level == 0 else str(level): words for level, words in enumerate(LEVEL_WORDS)},
                ),
            )
            for name in OBJECTIVES
            if name in offered or ("objective", name) in own
        ),
        unanswered=tuple(said for name, said in OBJECTIVES.items() if name not in offered),
        hidden=tuple((item, _undo("hidden_item", str(item.pk), "Show again")) for item in hidden[:HIDDEN_SHOWN]),
        hidden_more=max(0, len(hidden) - HIDDEN_SHOWN),
    )


def creator_row(*, subject: Subject, creator: Creator) -> Row:
    """The switch of one creator, for the page of one of their items."""
    own = {(one.kind, one.target): one.value for one in own_controls(subject) if not one.by_guardian}
    follow = Follow.objects.filter(subject_id=subject.id, creator=creator).first()
    return _creator(creator, own, followed=follow is not None, close=follow is not None and follow.close)


def _order(subject: Subject, surface: Surface) -> Row:
    plan = plan_for(subject, surface.value)
    refusals = [
        (MODES[mode], reason)
        for reason in plan.reasons
        if reason.field.startswith("offered_modes.") and (mode := reason.field.partition(".")[2]) in MODES
    ]
    return Row(
        name=surface.label,
        sentence=next(reason.words for reason in plan.reasons if reason.field == "feed_mode"),
        states=tuple(
            State(
                id=f"feed_mode-{surface.value}-{mode}",
                label=words.label,
                icon=words.icon,
                sends=f"feed_mode|{surface.value}|{mode}",
                chosen=mode == plan.feed_mode,
                refused=mode not in plan.offered_modes,
            )
            for mode, words in MODES.items()
        ),
        refusals=tuple(refusals),
    )


def _creators(subject: Subject, held: tuple[OwnControl, ...], own: dict[tuple[str, str], str]) -> list[Row]:
    follows = {one.creator.pk: one.close for one in own_follows(subject) if one.creator}
    creators = {one.pk: one for one in creators_named(subject).values()}
    creators |= {one.creator.pk: one.creator for one in own_follows(subject) if one.creator}
    return [
        _creator(creator, own, followed=creator.pk in follows, close=follows.get(creator.pk, False))
        for creator in sorted(creators.values(), key=lambda one: (one.name, one.pk))
    ]


def _creator(creator: Creator, own: dict[tuple[str, str], str], *, followed: bool, close: bool) -> Row:
    target = str(creator.pk)
    return Row(
        name=creator.name,
        sentence="",
        states=(
            _toggle("follow_creator", target, "on", followed and not close, "Follow", "Followed"),
            _toggle("follow_creator", target, "close", close, "Follow closely", "Followed closely"),
            *_stances("creator", target, own),
        ),
    )


def _stances(kind: str, target: str, own: dict[tuple[str, str], str]) -> tuple[State, ...]:
    held = own.get((kind, target), "")
    return tuple(_toggle(kind, target, value, held == value, label, label) for value, label in STANCES.items())


def _toggle(kind: str, target: str, value: str, chosen: bool, label: str, done: str) -> State:
    """A button that sets, and pressed once more takes back."""
    return State(
        id=f"{kind}-{_slug(target)}-{value}",
        label=done if chosen else label,
        sends=f"{kind}|{target}|{'' if chosen else value}",
        chosen=chosen,
    )


def _switch(kind: str, target: str, held: str, states: dict[str, str]) -> tuple[State, ...]:
    """Buttons side by side, of which one holds; the way back is the button beside."""
    return tuple(
        State(
            id=f"{kind}-{target}-{value or 'none'}",
            label=label,
            sends=f"{kind}|{target}|{value}",
            chosen=value == held,
        )
        for value, label in states.items()
    )


def _undo(kind: str, target: str, label: str) -> State:
    return State(id=f"{kind}-{_slug(target)}-undo", label=label, sends=f"{kind}|{target}|", chosen=False)


def _slug(target: str) -> str:
    """A target as a part of an element's id, where no space may stand; every target has one of its own."""
    return target.encode().hex()


def _targets(held: tuple[OwnControl, ...], kind: str) -> list[str]:
    return sorted({one.target for one in held if one.kind == kind and not one.by_guardian})
